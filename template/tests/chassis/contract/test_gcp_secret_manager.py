"""Google Cloud Secret Manager: what the contract of all secret backends does not say."""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.secret_backend.gcp_secret_manager import PREFIX, PROJECT, GoogleCloud

from chassis.adapters.secret_backend.gcp_secret_manager import open_secret_backend
from chassis.dev.services import free_port
from chassis.ports.secrets import (
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
)
from chassis.selected import SecretSettings
from chassis.settings_loader import InvalidSettingsError, load_settings

# Made up; a key of a service account has more fields, of which a private key is one.
PERSON = {"type": "authorized_user", "client_id": "x", "client_secret": "hunter2", "refresh_token": "hunter2"}


@pytest.fixture(name="store")
def narrowed_store(secret_store: Any) -> GoogleCloud:
    assert isinstance(secret_store, GoogleCloud)
    return secret_store


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
async def test_a_latest_version_that_is_not_enabled_is_not_there(
    store: GoogleCloud, secret_backend: SecretBackend, state: str
) -> None:
    store.put("probe", "old")
    store.manager.add_version(f"{PREFIX}probe", b"new").state = state
    with pytest.raises(SecretNotFoundError, match=r"'probe' is not there.*enabled latest version"):
        await secret_backend.read("probe")


async def test_what_arrives_damaged_is_not_used(store: GoogleCloud, secret_backend: SecretBackend) -> None:
    """The checksum: Secret Manager, "Data integrity assurance"."""
    store.manager.add_version(f"{PREFIX}probe", b"a value", crc32c=1)
    with pytest.raises(SecretUnavailableError, match="'probe' arrived damaged"):
        await secret_backend.read("probe")


async def test_bytes_are_text_in_utf8_or_an_error(store: GoogleCloud, secret_backend: SecretBackend) -> None:
    store.manager.add_version(f"{PREFIX}probe", b"\xff\xfe")
    with pytest.raises(SecretRefusedError, match=r"^The secret 'probe' holds bytes that are no UTF-8 text"):
        await secret_backend.read("probe")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, SecretDeniedError),
        (grpc.StatusCode.UNAVAILABLE, SecretUnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, SecretUnavailableError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, SecretUnavailableError),
        (grpc.StatusCode.INTERNAL, SecretUnavailableError),
        (grpc.StatusCode.INVALID_ARGUMENT, SecretUnavailableError),
    ],
)
async def test_statuses_are_told_apart(
    store: GoogleCloud, secret_backend: SecretBackend, status: grpc.StatusCode, expected: type[Exception]
) -> None:
    store.put("probe", "a value")
    store.manager.failing = status
    with pytest.raises(expected, match="'probe'"):
        await secret_backend.read("probe")
    store.manager.failing = None
    assert (await secret_backend.read("probe")).reveal() == "a value"


async def test_a_login_refused_twice_is_unavailable(store: GoogleCloud, secret_backend: SecretBackend) -> None:
    store.put("probe", "a value")
    await secret_backend.read("probe")
    store.manager.failing = grpc.StatusCode.UNAUTHENTICATED
    reads, logins = store.manager.reads, len(store.identity.issued)
    with pytest.raises(SecretUnavailableError, match="also new ones") as caught:
        await secret_backend.read("probe")
    assert (store.manager.reads - reads, len(store.identity.issued) - logins) == (2, 1)
    assert caught.value.__cause__ is None
    assert not [token for token in store.identity.issued if token in str(caught.value)]


async def test_reads_whose_login_expired_together_log_in_once(
    store: GoogleCloud, secret_backend: SecretBackend
) -> None:
    store.put("probe", "a value")
    await secret_backend.read("probe")
    store.expire_login()
    before = len(store.identity.issued)
    found = await asyncio.gather(*(secret_backend.read("probe") for _ in range(8)))
    assert {secret.reveal() for secret in found} == {"a value"}
    assert len(store.identity.issued) - before == 1


async def test_without_tokens_nothing_is_read(store: GoogleCloud, secret_backend: SecretBackend) -> None:
    store.put("probe", "a value")
    store.identity.silent = True
    with pytest.raises(SecretUnavailableError):
        await secret_backend.read("probe")
    assert store.manager.reads == 0


async def test_nothing_is_asked_for_until_the_first_read(store: GoogleCloud) -> None:
    settings = SecretSettings(project=PROJECT, endpoint=f"127.0.0.1:{free_port()}")
    async with open_secret_backend(settings) as backend:
        assert not store.identity.issued
        with pytest.raises(SecretUnavailableError, match="'probe'"):  # which production's check has let pass
            await backend.read("probe")


async def test_a_server_that_nobody_vouches_for_is_told_nothing(
    store: GoogleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1; by any other name the same server is a stranger."""
    monkeypatch.setenv("NO_PROXY", "localhost")
    store.put("probe", "a value")
    port = store.manager.endpoint.rpartition(":")[2]
    settings = store.settings.model_copy(update={"endpoint": f"localhost:{port}"})
    async with open_secret_backend(settings) as backend:
        with pytest.raises(SecretUnavailableError):
            await backend.read("probe")
    assert store.manager.reads == 0


def use_file(monkeypatch: pytest.MonkeyPatch, directory: Path, content: str) -> None:
    (directory / "static.json").write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(directory / "static.json"))


async def test_production_refuses_static_credentials_from_any_source(
    store: GoogleCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Such as the file that `gcloud auth application-default login` leaves behind."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "gcloud/application_default_credentials.json").write_text(json.dumps(PERSON))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    settings = SecretSettings(project=PROJECT, endpoint=store.manager.endpoint)
    async with open_secret_backend(settings) as backend:
        with pytest.raises(SecretDeniedError, match="a person's login, which is refused in production") as caught:
            await backend.read("probe")
    assert "hunter2" not in str(caught.value)
    assert store.manager.reads == 0


def problems(**changes: str) -> list[str]:
    """Give what is wrong with these settings in production."""
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings({f"CHASSIS__SECRETS__{name}": value for name, value in changes.items()})
    return [problem for problem in caught.value.problems if "SECRETS" in problem]


@pytest.mark.parametrize(
    ("kind", "words"), [("service_account", "a service account's key"), ("authorized_user", "a person's login")]
)
def test_production_refuses_a_key_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, words: str) -> None:
    use_file(monkeypatch, tmp_path, json.dumps({"type": kind, "private_key": "hunter2"}))
    [problem] = problems(PROJECT=PROJECT)
    assert f"{words} in the file that GOOGLE_APPLICATION_CREDENTIALS names is refused in production" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("content", [json.dumps({"type": "external_account"}), "[]", "no JSON"])
def test_production_takes_a_file_without_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    use_file(monkeypatch, tmp_path, content)
    assert not problems(PROJECT=PROJECT)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"PROJECT": "My Project"}, {"PREFIX": "my-agent/"}, {"ENDPOINT": "http://secretmanager.internal"}),
        *({"ENDPOINT": "u:p@secretmanager.internal"}, {"ENDPOINT": "dns:///secretmanager.internal"}),
    ],
)
def test_wrong_settings_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert len(problems(**{"PROJECT": PROJECT, **wrong})) == 1
