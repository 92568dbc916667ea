"""What every secret backend must do; the chosen one is tested, on a store of its kind."""

import asyncio
import json
import re

import pytest
from tests.support.secret_backend import SecretStore

from chassis.ports.secrets import (
    Secret,
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretUnavailableError,
)
from chassis.secrets.cache import CachedSecretManager, CachePolicy

VALUES = {
    "spaces": "  spaces around  ",
    "lines": "two\nlines",
    "signs": "p@ss:/w%rd$HOME{x}'\"\\",
    "unicode": "Grüße 🙂",
    "long": "0123456789abcdef" * 1200,
    "json": json.dumps({"username": "app", "password": "it's"}),
}


class Counted:
    """A backend that counts how often it is asked."""

    def __init__(self, backend: SecretBackend) -> None:
        self.reads = 0
        self._backend = backend

    async def read(self, name: str) -> Secret:
        self.reads += 1
        return await self._backend.read(name)


async def test_a_secret_is_read_by_name(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    secret_store.put("other", "another value")
    secret_store.put("probe_of_two_words", "the value itself")
    found = await secret_backend.read("probe_of_two_words")
    assert (found.name, found.reveal()) == ("probe_of_two_words", "the value itself")
    assert "itself" not in f"{found} {found!r} {secret_backend!r} {secret_store.settings!r}"


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
async def test_a_value_is_given_as_it_was_put(
    secret_store: SecretStore, secret_backend: SecretBackend, value: str
) -> None:
    secret_store.put("probe", value)
    assert (await secret_backend.read("probe")).reveal() == value


async def test_an_absent_secret_is_an_error_that_says_where_to_put_it(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    secret_store.put("probe", "of another name")
    with pytest.raises(SecretNotFoundError, match="'absent' is not there") as caught:
        await secret_backend.read("absent")
    assert re.search(rf"{re.escape(secret_store.place('absent'))}\b", caught.value.detail)


async def test_an_empty_secret_is_an_absent_one(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    try:
        secret_store.put("probe", "")
    except ValueError:
        pytest.skip("this backend stores no empty value")
    with pytest.raises(SecretNotFoundError, match="'probe' is not there"):
        await secret_backend.read("probe")


async def test_a_deleted_secret_is_an_absent_one(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    secret_store.put("probe", "a value")
    assert (await secret_backend.read("probe")).reveal() == "a value"
    secret_store.delete("probe")
    with pytest.raises(SecretNotFoundError, match="'probe' is not there"):
        await secret_backend.read("probe")


async def test_each_read_gives_the_value_of_the_moment(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    for value in ("first", "second", "third"):
        secret_store.put("probe", value)
        assert (await secret_backend.read("probe")).reveal() == value


async def test_many_secrets_are_read_at_once(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    names = [f"probe_{letter}" for letter in "abcdefgh"]
    for name in names:
        secret_store.put(name, f"value of {name}")
    found = await asyncio.gather(*(secret_backend.read(name) for name in names))
    assert [secret.reveal() for secret in found] == [f"value of {name}" for name in names]


async def test_a_hundred_gets_at_once_are_one_read(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    secret_store.put("probe", "a value")
    counted = Counted(secret_backend)
    manager = CachedSecretManager(counted)
    found = await asyncio.gather(*(manager.get("probe") for _ in range(100)))
    assert {secret.reveal() for secret in found} == {"a value"}
    assert counted.reads == 1
    await manager.close()


async def test_an_invalidated_secret_is_read_again(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    manager = CachedSecretManager(secret_backend)
    for value in ("first", "second"):
        secret_store.put("probe", value)
        manager.invalidate("probe")
        assert (await manager.get("probe")).reveal() == value
    await manager.close()


async def test_a_rotation_is_noticed_without_being_asked(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    manager = CachedSecretManager(secret_backend, policy=CachePolicy(ttl=0.05))
    secret_store.put("probe", "first")
    assert (await manager.get("probe")).reveal() == "first"
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def note(secret: Secret) -> None:
        seen.put_nowait(secret.reveal())

    manager.on_rotate("probe", note)
    secret_store.put("probe", "second")
    assert await asyncio.wait_for(seen.get(), 10) == "second"
    await manager.close()


async def test_a_backend_that_is_not_there_is_unavailable(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    secret_store.put("probe", "a value")
    with secret_store.outage(), pytest.raises(SecretUnavailableError):
        await secret_backend.read("probe")
    assert (await secret_backend.read("probe")).reveal() == "a value"


async def test_what_was_read_outlives_an_outage_for_a_while_and_no_longer(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    now = [0.0]
    manager = CachedSecretManager(secret_backend, clock=lambda: now[0])
    secret_store.put("probe", "a value")
    await manager.get("probe")
    with secret_store.outage():
        now[0] = 890
        assert (await manager.get("probe")).reveal() == "a value"
        now[0] = 901
        with pytest.raises(SecretUnavailableError):
            await manager.get("probe")
    await manager.close()


async def test_an_outage_is_found_while_what_was_read_is_still_good(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    manager = CachedSecretManager(secret_backend)
    assert not await manager.check(), "nothing was asked for, so nothing is known"
    secret_store.put("probe", "a value")
    await manager.get("probe")
    assert await manager.check()
    with secret_store.outage():
        with pytest.raises(SecretUnavailableError):
            await manager.check()
        assert (await manager.get("probe")).reveal() == "a value"
    assert await manager.check()
    await manager.close()


async def test_a_secret_this_service_may_not_read_is_denied(
    secret_store: SecretStore, secret_backend: SecretBackend
) -> None:
    secret_store.put("probe", "a value")
    secret_store.forbid("probe")
    with pytest.raises(SecretDeniedError, match="'probe'"):
        await secret_backend.read("probe")


async def test_an_expired_login_is_renewed(secret_store: SecretStore, secret_backend: SecretBackend) -> None:
    secret_store.put("probe", "first")
    await secret_backend.read("probe")
    secret_store.expire_login()
    secret_store.put("probe", "second")
    assert (await secret_backend.read("probe")).reveal() == "second"
