"""How faithful the Google Cloud of the tests is."""

from typing import Any

import google.auth
import pytest
from google.api_core import exceptions
from google.auth.credentials import with_scopes_if_required
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from tests.support.gcp.identity import INVALID
from tests.support.secret_backend.gcp_secret_manager import PREFIX, PROJECT, GoogleCloud

from chassis.adapters._gcp_identity import SCOPE


def answer_of(store: GoogleCloud, name: str) -> tuple[str, str]:
    """Give status and words of a read by the real client as it is, without the adapter."""
    credentials: Any = with_scopes_if_required(google.auth.default()[0], [SCOPE])  # type: ignore[no-untyped-call]
    options = {"api_endpoint": store.manager.endpoint}
    client = SecretManagerServiceClient(credentials=credentials, client_options=options)
    with client, pytest.raises(exceptions.GoogleAPICallError) as caught:
        client.access_secret_version(name=f"projects/{PROJECT}/secrets/{PREFIX}{name}/versions/latest", timeout=30)
    status = caught.value.grpc_status_code
    return status.name if status else "", caught.value.message or ""


def test_the_fake_answers_as_google_is_documented_and_recorded(secret_store: Any) -> None:
    """Statuses: google.rpc.Code. The words are recorded in issues of those who met them.

    `latest` is the newest version, whatever its state: google-github-actions/get-secretmanager-secrets issue 268; a
    missing right: googleapis/python-secret-manager issue 389; a token that is not good: grpc/grpc-java issue 5907.
    """
    store: GoogleCloud = secret_store
    store.put("probe", "old")
    latest = store.manager.add_version(f"{PREFIX}probe", b"new")
    resource = f"projects/{PROJECT}/secrets/{PREFIX}probe"
    latest.state = "DESTROYED"
    destroyed = f"Secret Version [{resource}/versions/2] is in DESTROYED state."
    assert answer_of(store, "probe") == ("FAILED_PRECONDITION", destroyed)
    assert answer_of(store, "absent")[0] == "NOT_FOUND"
    store.forbid("probe")
    denied = f"Permission 'secretmanager.versions.access' denied for resource '{resource}/versions/latest'"
    assert answer_of(store, "probe") == ("PERMISSION_DENIED", f"{denied} (or it may not exist).")
    store.identity.expired.update(f"ya29.token-{number}" for number in range(100))
    assert answer_of(store, "probe") == ("UNAUTHENTICATED", INVALID)


def test_the_fake_gives_tokens_to_those_who_ask_as_they_must(secret_store: Any) -> None:
    """Without the header the metadata server refuses: Compute Engine, "About VM metadata"."""
    store: GoogleCloud = secret_store
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    assert store.identity.answer(path, None, {})[0] == 403
    assert store.identity.answer(path, "Google", {})[0] == 200
    assert store.identity.answer("/v1/token", None, {"subject_token": ["of another"]})[0] == 400
