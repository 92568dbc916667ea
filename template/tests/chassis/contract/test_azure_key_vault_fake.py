"""The stand-in for Azure Key Vault behaves as Microsoft documents the service, and as the Azure SDK recorded it.

Documents are those of learn.microsoft.com; "recording" is a file of `sdk/keyvault/keyvault-secrets/recordings` in
github.com/Azure/azure-sdk-for-js, where the SDK's tests keep what the service answered.
"""

import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.azure.identity import ASSERTION_TYPE, CLIENT_ID, LIFETIME_SECONDS, RESOURCE, TENANT
from tests.support.key_vault import FakeAzure, fake_azure

VERSION = {"api-version": "7.6"}
FORBIDDEN = {
    "code": "Forbidden",
    "message": "Operation get is not allowed on a disabled secret.",
    "innererror": {"code": "SecretDisabled"},
}


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeAzure]:
    with fake_azure(tmp_path_factory.mktemp("azure")) as azure:
        yield azure


def client(azure: FakeAzure) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=str(azure.authority)), trust_env=False)


def managed(azure: FakeAzure, **changes: str) -> httpx.Response:
    """Ask for a token as the document "Managed identities in Azure Container Apps", tab HTTP GET, shows."""
    headers = {"x-identity-header": changes.pop("header", azure.identities.header)}
    query = {"resource": RESOURCE, "api-version": "2019-08-01", **changes}
    url = f"http://127.0.0.1:{azure.endpoint.port}/msi/token"
    with client(azure) as http:
        return http.get(url, params=query, headers=headers)


def get(azure: FakeAzure, path: str, token: str | None = "", query: dict[str, str] | None = None) -> httpx.Response:
    """Ask the vault; an empty token stands for a valid one."""
    token = managed(azure).json()["access_token"] if token == "" else token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with client(azure) as http:
        return http.get(azure.vault.url + path, headers=headers, params=VERSION if query is None else query)


def error(response: httpx.Response) -> Any:
    """Every failure is JSON: Authentication, requests, and responses, "Response body format"."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    return response.json()["error"]


def test_a_request_without_a_token_is_challenged(azure: FakeAzure) -> None:
    """Authentication, requests, and responses, "Authentication requirements"; recording of `canbackupasecret`."""
    response = get(azure, "/secrets/any", token=None)
    assert response.status_code == 401
    challenge = f'Bearer authorization="{azure.vault.login}/{TENANT}", resource="https://vault.azure.net"'
    assert response.headers["WWW-Authenticate"] == challenge
    assert error(response) == {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}


@pytest.mark.parametrize("which", ["unknown", "revoked", "of another resource"])
def test_a_token_that_is_not_accepted_is_challenged_too(azure: FakeAzure, which: str) -> None:
    """REST API error codes, "HTTP 401": expired, and "The token lacks the correct resource associated with it"."""
    token = "unknown"
    if which == "revoked":
        token = managed(azure).json()["access_token"]
        azure.identities.revoke()
    elif which == "of another resource":
        token = managed(azure, resource="https://graph.microsoft.com").json()["access_token"]
    response = get(azure, "/secrets/any", token)
    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers


def test_the_version_of_the_api_must_be_given(azure: FakeAzure) -> None:
    """Authentication, requests, and responses, "Supported API versions": there is no default."""
    azure.vault.put("versioned-api", "value")
    assert get(azure, "/secrets/versioned-api", query={}).status_code == 400
    assert get(azure, "/secrets/versioned-api", query={"api-version": "latest"}).status_code == 400
    for version in ("7.0", "7.4-preview.1", "2025-07-01"):
        assert get(azure, "/secrets/versioned-api", query={"api-version": version}).status_code == 200


def test_a_secret_has_an_identifier_and_attributes(azure: FakeAzure) -> None:
    """Recording of `canbackupasecret`; "Object identifiers": a version is of 32 characters."""
    made = azure.vault.put("whole", "RSA")
    body = get(azure, "/secrets/whole").json()
    assert body["value"] == "RSA"
    assert body["id"] == f"{azure.vault.url}/secrets/whole/{made.version}"
    assert len(made.version) == 32
    assert {"enabled", "created", "updated", "recoveryLevel", "recoverableDays"} <= body["attributes"].keys()


def test_the_latest_version_is_the_default(azure: FakeAzure) -> None:
    """Keys, secrets, and certificates overview, "Objects, identifiers, and versioning"."""
    first, _ = azure.vault.put("rotated", "first"), azure.vault.put("rotated", "second")
    assert get(azure, "/secrets/rotated").json()["value"] == "second"
    assert get(azure, "/secrets/rotated/").json()["value"] == "second"
    assert get(azure, f"/secrets/rotated/{first.version}").json()["value"] == "first"
    assert get(azure, "/secrets/rotated/0123456789abcdef0123456789abcdef").status_code == 404


def test_names_are_compared_without_case(azure: FakeAzure) -> None:
    """Keys, secrets, and certificates overview, "Object identifiers"."""
    azure.vault.put("MixedCase", "value")
    assert get(azure, "/secrets/mixedcase").json()["value"] == "value"


def test_an_absent_secret_is_secret_not_found(azure: FakeAzure) -> None:
    """Recording of `canrecoveradeletedsecretnonexisting`."""
    response = get(azure, "/secrets/nowhere")
    assert response.status_code == 404
    found = error(response)
    assert found["code"] == "SecretNotFound"
    assert found["message"].startswith(
        "A secret with (name/id) nowhere was not found in this key vault. If you recently"
    )


def test_a_deleted_secret_is_not_found_until_it_is_recovered(azure: FakeAzure) -> None:
    """Azure Key Vault soft-delete overview: it is kept, and is not to be had by the usual calls."""
    azure.vault.put("deleted", "value")
    azure.vault.delete("deleted")
    assert error(get(azure, "/secrets/deleted"))["code"] == "SecretNotFound"
    azure.vault.recover("deleted")
    assert get(azure, "/secrets/deleted").json()["value"] == "value"


def test_a_disabled_secret_is_forbidden(azure: FakeAzure) -> None:
    """Recording of `cantgetadisabledsecret`, word by word; its Content-Length was 132."""
    azure.vault.put("disabled", "value", enabled=False)
    response = get(azure, "/secrets/disabled")
    assert response.status_code == 403
    assert error(response) == FORBIDDEN
    assert len(json.dumps(response.json(), separators=(",", ":"))) == 132


def test_who_has_no_role_is_forbidden(azure: FakeAzure) -> None:
    """REST API error codes, "HTTP 403"; the inner code as Azure Container Apps' issue 1291 and others show it."""
    azure.vault.put("others", "value")
    azure.vault.forbidden["others"] = "ForbiddenByRbac"
    response = get(azure, "/secrets/others")
    assert (response.status_code, error(response)["code"]) == (403, "Forbidden")
    assert error(response)["innererror"] == {"code": "ForbiddenByRbac"}


@pytest.mark.parametrize("attributes", [{"exp": 1}, {"nbf": 4_000_000_000}])
def test_a_secret_outside_its_dates_can_be_read(azure: FakeAzure, attributes: dict[str, int]) -> None:
    """About secrets, "Date-time controlled operations"."""
    azure.vault.put("dated", "value", **attributes)
    body = get(azure, "/secrets/dated").json()
    assert body["value"] == "value"
    assert attributes.items() <= body["attributes"].items()


def test_an_empty_value_is_kept(azure: FakeAzure) -> None:
    """github.com/james-gould/azure-keyvault-emulator/issues/386: "Tested on the azure infra: works / can be saved/get"."""
    azure.vault.put("empty", "")
    assert get(azure, "/secrets/empty").json()["value"] == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("with_underscore", "x"), ("", "x"), ("a" * 128, "x"), ("a.b", "x"), ("large", "x" * 25_001)],
    ids=["underscore", "empty", "long", "dot", "25 KB"],
)
def test_what_does_not_fit_is_refused(azure: FakeAzure, name: str, value: str) -> None:
    """Keys, secrets, and certificates overview, `object-name`; About secrets: at most 25k bytes each."""
    with pytest.raises(ValueError, match=r"is no name|at most 25000 bytes"):
        azure.vault.put(name, value)


def test_too_many_requests_are_429(azure: FakeAzure) -> None:
    """REST API error codes, "HTTP 429: Too Many Requests"; Throttling guidance."""
    azure.vault.put("busy", "value")
    azure.vault.failing = [429]
    assert get(azure, "/secrets/busy").status_code == 429
    assert get(azure, "/secrets/busy").status_code == 200


def test_the_identity_endpoint_gives_a_token_to_who_has_its_header(azure: FakeAzure) -> None:
    """Managed identities in Azure Container Apps, "REST endpoint reference": `expires_on` is a string."""
    body = managed(azure).json()
    assert body.keys() == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert (body["resource"], body["token_type"], body["expires_on"].isdecimal()) == (RESOURCE, "Bearer", True)
    assert managed(azure, client_id=CLIENT_ID).status_code == 200
    assert managed(azure, header="guessed").status_code == 401
    assert managed(azure, client_id="another").status_code == 400
    assert managed(azure, **{"api-version": "2017-09-01"}).status_code == 400


def test_entra_gives_a_token_for_the_pods_own(azure: FakeAzure) -> None:
    """OAuth 2.0 client credentials flow, "Access token request with a federated credential"."""
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "scope": f"{RESOURCE}/.default",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": azure.identities.assertion,
    }
    with client(azure) as http:
        url = f"{azure.vault.login}/{TENANT}/oauth2/v2.0/token"
        body = http.post(url, data=form).json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", LIFETIME_SECONDS)
        refused = http.post(url, data={**form, "client_assertion": "forged"})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert http.post(url, data={**form, "client_id": "another"}).json()["error"] == "unauthorized_client"
        assert http.post(url, data={**form, "scope": "https://graph.microsoft.com/.default"}).status_code == 400
