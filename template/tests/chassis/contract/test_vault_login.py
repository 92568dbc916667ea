"""How the secret backend `vault` keeps its login: renewed in time, made anew when it ended, ended with the service."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.openbao import make_certificate, shared_server
from tests.support.secret_backend.vault import Entries, approle

from chassis.adapters._vault_session import VaultSession
from chassis.adapters.secret_backend.vault import VaultSecretBackend, open_secret_backend
from chassis.dev.openbao import openbao_server
from chassis.ports.secrets import SecretDeniedError, SecretNotFoundError, SecretUnavailableError
from chassis.secrets.cache import CachePolicy
from chassis.selected import SecretSettings

HOUR = 3600


class Clock:
    """The adapter's clock, which a test can put forward; Vault's own goes on as ever."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    with approle(tmp_path, monkeypatch) as store:
        store.put("probe", "a value")
        yield store


def limit(store: Entries, **limits: Any) -> None:
    store.server.write(f"auth/approle/role/{store.role}", token_policies=[store.role], **limits)


def logins(store: Entries) -> list[dict[str, Any]]:
    """Look up the tokens of this store's role that are valid now."""
    found = []
    for accessor in store.server.read("auth/token/accessors/?list=true")["data"]["keys"]:
        token = store.server.write("auth/token/lookup-accessor", accessor=accessor)["data"]
        if token["policies"] == ["default", store.role]:
            found.append(token)
    return found


@contextmanager
def opened(settings: SecretSettings) -> Iterator[tuple[VaultSecretBackend, Clock]]:
    clock = Clock()
    session = VaultSession(settings, clock)
    yield VaultSecretBackend(settings, session), clock
    session.close()


async def test_one_login_serves_all_reads_even_those_at_once(store: Entries) -> None:
    with opened(store.settings) as (backend, _):
        await asyncio.gather(*(backend.read("probe") for _ in range(8)))
        assert len(logins(store)) == 1


async def test_a_login_is_renewed_at_two_thirds(store: Entries) -> None:
    limit(store, token_ttl=HOUR)
    with opened(store.settings) as (backend, clock):
        await backend.read("probe")
        clock.ahead = HOUR * 2 / 3 - 60
        await backend.read("probe")
        assert [token.get("last_renewal") for token in logins(store)] == [None]
        clock.ahead = HOUR * 2 / 3 + 1
        await backend.read("probe")
        [token] = logins(store)
        assert token["last_renewal"]


async def test_a_login_whose_most_is_reached_is_made_anew(store: Entries) -> None:
    limit(store, token_ttl=HOUR, token_max_ttl=HOUR)
    with opened(store.settings) as (backend, clock):
        await backend.read("probe")
        clock.ahead = HOUR * 2 / 3 + 1
        await asyncio.sleep(1.1)  # Vault counts whole seconds
        await backend.read("probe")
        assert len(logins(store)) == 2


async def test_a_login_that_cannot_be_made_anew_is_used_to_its_end(store: Entries) -> None:
    limit(store, token_ttl=HOUR, token_max_ttl=HOUR)
    with opened(store.settings) as (backend, clock):
        await backend.read("probe")
        store.settings.login_file.write_text("no secret id")
        await asyncio.sleep(1.1)  # Vault counts whole seconds
        clock.ahead = HOUR * 2 / 3 + 1
        assert (await backend.read("probe")).reveal() == "a value"
        clock.ahead = HOUR + 1
        with pytest.raises(SecretDeniedError, match="does not accept this service's login"):
            await backend.read("probe")


async def test_a_denied_secret_is_no_reason_to_log_in_again(store: Entries) -> None:
    store.forbid("probe")
    with opened(store.settings) as (backend, _):
        for _ in range(3):
            with pytest.raises(SecretDeniedError, match="'probe' may not be read"):
                await backend.read("probe")
        assert len(logins(store)) == 1


async def test_the_end_of_the_backend_is_the_end_of_its_login(store: Entries) -> None:
    async with open_secret_backend(store.settings) as backend:
        await backend.read("probe")
        assert len(logins(store)) == 1
    assert logins(store) == []


async def test_a_backend_that_nobody_asks_needs_no_server(store: Entries) -> None:
    with store.outage():
        async with open_secret_backend(store.settings):
            pass


@pytest.mark.parametrize("proof", ["hunter2", None])
async def test_a_wrong_login_says_what_to_look_at_and_not_what_is_there(store: Entries, proof: str | None) -> None:
    file = store.settings.login_file
    file.unlink() if proof is None else file.write_text(proof)
    with opened(store.settings) as (backend, _):
        with pytest.raises(SecretDeniedError, match=str(file)) as caught:
            await backend.read("probe")
        assert "hunter2" not in f"{caught.value} {caught.value.__cause__!r}"


async def test_a_login_file_that_was_replaced_is_read_anew(store: Entries) -> None:
    with opened(store.settings) as (backend, _):
        await backend.read("probe")
        store.expire_login()
        fresh = store.server.write(f"auth/approle/role/{store.role}/secret-id")["data"]["secret_id"]
        store.server.write(
            f"auth/approle/role/{store.role}/secret-id/destroy", secret_id=store.settings.login_file.read_text()
        )
        store.settings.login_file.write_text(fresh)
        assert (await backend.read("probe")).reveal() == "a value"


async def test_an_entry_with_neither_a_value_nor_a_pair_holds_no_secret(store: Entries) -> None:
    for entry in ({"password": "hunter2"}, {"username": "app", "password": 7}, {"value": None}):
        store.server.write(f"secret/data/{store.role}/probe", data=entry)
        with opened(store.settings) as (backend, _), pytest.raises(SecretNotFoundError, match="'probe' is not there"):
            await backend.read("probe")


async def test_a_certificate_must_be_signed_by_whom_the_settings_name(store: Entries, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    listener = {"tls_cert_file": str(certificate.file), "tls_key_file": str(certificate.key)}
    with openbao_server(tmp_path, **listener) as server:
        for trusted, expected in ((None, "put its authority into secrets.ca_file"), (certificate.authority, "login")):
            settings = store.settings.model_copy(update={"url": server.url, "ca_file": trusted})
            error = SecretUnavailableError if trusted is None else SecretDeniedError
            with opened(settings) as (backend, _), pytest.raises(error, match=expected):
                await backend.read("probe")


@asynccontextmanager
async def answering(content: bytes | None) -> AsyncIterator[str]:
    """Run something else in Vault's place: it answers this to everything, or is silent."""
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if content is None:
            await done.wait()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        done.set()


@pytest.mark.parametrize("content", [b"<html>Welcome</html>", b"{}", b'{"auth": null}'])
async def test_answers_that_are_not_vaults_are_no_login(store: Entries, content: bytes) -> None:
    async with answering(content) as url:
        settings = store.settings.model_copy(update={"url": url})
        with opened(settings) as (backend, _), pytest.raises(SecretUnavailableError, match="that are not Vault's"):
            await backend.read("probe")


@pytest.mark.slow
async def test_a_silent_server_is_given_up(store: Entries) -> None:
    async with answering(None) as url:
        with opened(store.settings.model_copy(update={"url": url})) as (backend, _):
            before = time.monotonic()
            with pytest.raises(SecretUnavailableError, match="does not answer"):
                await backend.read("probe")
            assert time.monotonic() - before < CachePolicy().read


def test_nothing_of_the_environment_takes_part(store: Entries, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_TOKEN", "VAULT_ADDR", "VAULT_NAMESPACE"):
        monkeypatch.setenv(name, "http://nowhere.invalid")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with opened(store.settings) as (backend, _):
        assert asyncio.run(backend.read("probe")).reveal() == "a value"
    assert shared_server().url != str(store.settings.url), "the relay stands between them"
