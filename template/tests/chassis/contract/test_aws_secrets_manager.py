"""AWS Secrets Manager: what the contract of all secret backends does not say."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.aws.server import REGION
from tests.support.secret_backend.aws_secrets_manager import PREFIX, SecretsManager

from chassis.adapters.secret_backend.aws_secrets_manager import open_secret_backend
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

STATIC_KEY = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture(name="store")
def narrowed_store(secret_store: Any) -> SecretsManager:
    assert isinstance(secret_store, SecretsManager)
    return secret_store


async def test_a_version_that_is_not_current_is_not_read(store: SecretsManager, secret_backend: SecretBackend) -> None:
    """A rotation first writes AWSPENDING; only when that works the stage AWSCURRENT moves to it."""
    store.put("probe", "old")
    secret = PREFIX + "probe"
    new = store.admin.put_secret_value(SecretId=secret, SecretString="new", VersionStages=["AWSPENDING"])["VersionId"]
    assert (await secret_backend.read("probe")).reveal() == "old"
    old = store.admin.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["VersionId"]
    store.admin.update_secret_version_stage(
        SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old
    )
    assert (await secret_backend.read("probe")).reveal() == "new"


async def test_bytes_are_text_in_utf8_or_an_error(store: SecretsManager, secret_backend: SecretBackend) -> None:
    store.admin.create_secret(Name=PREFIX + "text", SecretBinary="Grüße".encode())
    store.admin.create_secret(Name=PREFIX + "bytes", SecretBinary=b"\xff\xfe")
    assert (await secret_backend.read("text")).reveal() == "Grüße"
    with pytest.raises(SecretRefusedError, match=r"^The secret 'bytes' holds bytes that are no UTF-8 text"):
        await secret_backend.read("bytes")


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "DecryptionFailure", SecretDeniedError),
        (400, "AccessDeniedException", SecretDeniedError),
        (400, "ThrottlingException", SecretUnavailableError),
        (500, "InternalServiceError", SecretUnavailableError),
        (503, "ServiceUnavailable", SecretUnavailableError),
        (400, "InvalidParameterException", SecretUnavailableError),
    ],
)
async def test_errors_of_aws_are_told_apart(
    store: SecretsManager, secret_backend: SecretBackend, status: int, code: str, expected: type[Exception]
) -> None:
    store.put("probe", "a value")
    store.front.failing = (status, code)
    with pytest.raises(expected, match="'probe'"):
        await secret_backend.read("probe")
    store.front.failing = None
    assert (await secret_backend.read("probe")).reveal() == "a value"


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
async def test_a_login_refused_twice_is_unavailable(
    store: SecretsManager, secret_backend: SecretBackend, code: str
) -> None:
    store.put("probe", "a value")
    await secret_backend.read("probe")
    store.front.failing = (400, code)
    reads, logins = store.front.reads, len(store.front.issued)
    with pytest.raises(SecretUnavailableError, match="also new ones") as caught:
        await secret_backend.read("probe")
    assert (store.front.reads - reads, len(store.front.issued) - logins) == (2, 1)
    assert caught.value.__cause__ is None
    assert not [key for key in [*store.front.issued, "session-of-the-pod"] if key in str(caught.value)]


async def test_reads_whose_login_expired_together_log_in_once(
    store: SecretsManager, secret_backend: SecretBackend
) -> None:
    store.put("probe", "a value")
    await secret_backend.read("probe")
    store.expire_login()
    before = len(store.front.issued)
    found = await asyncio.gather(*(secret_backend.read("probe") for _ in range(8)))
    assert {secret.reveal() for secret in found} == {"a value"}
    assert len(store.front.issued) - before == 1


async def test_nothing_is_asked_for_until_the_first_read(store: SecretsManager) -> None:
    settings = SecretSettings(region=REGION, endpoint_url=f"https://127.0.0.1:{free_port()}")
    async with open_secret_backend(settings) as backend:
        assert not store.front.issued
        with pytest.raises(SecretUnavailableError, match="'probe'"):  # which production's check has let pass
            await backend.read("probe")
    assert len(store.front.issued) == 1


async def test_the_environment_leads_reads_nowhere_else(store: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("probe", "a value")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", store.front.url)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")  # so that the real address is not reached
    async with open_secret_backend(SecretSettings(region=REGION, prefix=PREFIX)) as backend:
        with pytest.raises(SecretUnavailableError, match="ProxyConnectionError"):
            await backend.read("probe")
    assert store.front.reads == 0


async def test_production_refuses_a_static_key_from_any_source(
    store: SecretsManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the ids begin with: AWS STS API Reference, "GetAccessKeyInfo"."""
    for variable in [name for name in os.environ if name.startswith(("AWS_CONTAINER", "AWS_WEB"))]:
        monkeypatch.delenv(variable)
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id = {STATIC_KEY}\naws_secret_access_key = hunter2\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    async with open_secret_backend(SecretSettings(region=REGION)) as backend:
        with pytest.raises(SecretDeniedError, match="long-term access key, which is refused in production") as caught:
            await backend.read("probe")
    assert STATIC_KEY not in str(caught.value)
    store.front.issued.append(STATIC_KEY)
    store.put("probe", "a value")
    async with open_secret_backend(store.settings) as backend:  # of another environment
        assert (await backend.read("probe")).reveal() == "a value"


async def test_no_credentials_at_all_say_what_to_do(store: SecretsManager, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(("AWS_CONTAINER", "AWS_WEB"))]:
        monkeypatch.delenv(variable)
    async with open_secret_backend(store.settings) as backend:
        with pytest.raises(SecretUnavailableError, match="give the workload a role"):
            await backend.read("probe")


async def test_a_secret_without_a_value_is_not_there(store: SecretsManager, secret_backend: SecretBackend) -> None:
    store.admin.create_secret(Name=PREFIX + "probe")
    with pytest.raises(SecretNotFoundError, match="'probe' is not there"):
        await secret_backend.read("probe")


def problems(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], **changes: str) -> list[str]:
    """Give what is wrong with these settings in production."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings({f"CHASSIS__SECRETS__{name}": value for name, value in changes.items()})
    return [problem for problem in caught.value.problems if "SECRETS" in problem]


def test_production_refuses_a_static_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems(monkeypatch, {"AWS_ACCESS_KEY_ID": STATIC_KEY, "AWS_SESSION_TOKEN": "x"}, REGION=REGION)
    assert "a long-term access key in AWS_ACCESS_KEY_ID is refused in production" in problem
    assert STATIC_KEY not in problem
    assert len(problems(monkeypatch, {"AWS_ACCESS_KEY_ID": "ASIAX"}, REGION=REGION)) == 1
    assert not problems(monkeypatch, {"AWS_ACCESS_KEY_ID": "ASIAX", "AWS_SESSION_TOKEN": "x"}, REGION=REGION)


def test_production_refuses_an_unencrypted_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems(monkeypatch, {}, REGION=REGION, ENDPOINT_URL="http://vpce.internal")
    assert problem.startswith("CHASSIS__SECRETS__ENDPOINT_URL: must begin with https:// in production")
    assert not problems(monkeypatch, {}, REGION=REGION, ENDPOINT_URL="https://vpce.internal")


@pytest.mark.parametrize(
    "wrong", [{"REGION": "Frankfurt"}, {"PREFIX": "a b"}, {"ENDPOINT_URL": "https://u:p@x"}, {"ENDPOINT_URL": "x"}]
)
def test_wrong_settings_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    assert len(problems(monkeypatch, {}, **{"REGION": REGION, **wrong})) == 1
