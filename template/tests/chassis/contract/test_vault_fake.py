"""The stand-in for Kubernetes' TokenReview answers as its documentation says.

"TokenReview" (kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/): status has
`authenticated` ("indicates that the token was associated with a known user"), `error`, `user` with username, uid and
groups, and `audiences`: "any identifier in the intersection of the TokenReviewSpec audiences and the token's audiences"; without
`spec.audiences`, "the audience will default to the audience of the Kubernetes apiserver". POST answers 201 Created, 401
without a credential.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.openbao import make_certificate
from tests.support.token_review import DEFAULT_AUDIENCE, PATH, ServiceAccount, token_reviews

ACCOUNT = ServiceAccount("prod", "agent")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    certificate = make_certificate(tmp_path)
    with token_reviews(certificate) as reviews:
        reviews.known |= {"its token": ACCOUNT, "for another": ServiceAccount("prod", "agent", audience="vault")}
        context = ssl.create_default_context(cafile=str(certificate.authority))
        headers = {"Authorization": f"Bearer {reviews.reviewer}"}
        with httpx.Client(base_url=reviews.url, verify=context, headers=headers, trust_env=False) as client:
            yield client


def review(api: httpx.Client, **spec: Any) -> dict[str, Any]:
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    response = api.post(PATH, json=asked)
    assert response.status_code == 201
    answer: dict[str, Any] = response.json()
    assert {part: answer[part] for part in asked} == asked
    status: dict[str, Any] = answer["status"]
    return status


def test_a_known_token_is_its_service_account(api: httpx.Client) -> None:
    assert review(api, token="its token") == {
        "authenticated": True,
        "user": {
            "username": "system:serviceaccount:prod:agent",
            "uid": ACCOUNT.uid,
            "groups": ["system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated"],
        },
        "audiences": [DEFAULT_AUDIENCE],
    }


@pytest.mark.parametrize(
    "spec", [{"token": "unknown"}, {"token": "its token", "audiences": ["vault"]}, {"token": "for another"}]
)
def test_any_other_token_is_not_authenticated(api: httpx.Client, spec: dict[str, Any]) -> None:
    status = review(api, **spec)
    assert not status.get("authenticated")
    assert status["user"] == {}
    assert "invalid bearer token" in status["error"]


def test_audiences_are_those_that_both_have(api: httpx.Client) -> None:
    assert review(api, token="for another", audiences=["vault", "x"])["audiences"] == ["vault"]


def test_nobody_asks_without_a_credential(api: httpx.Client) -> None:
    response = api.post(PATH, json={}, headers={"Authorization": ""})
    assert (response.status_code, response.json()["kind"], response.json()["code"]) == (401, "Status", 401)


def test_there_is_nothing_else(api: httpx.Client) -> None:
    response = api.post("/api/v1/secrets", json={})
    assert (response.status_code, response.json()["reason"]) == (404, "NotFound")
