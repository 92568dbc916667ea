"""Secrets show themselves to nobody; the cache is fresh, asks once, survives an outage for a while, and then fails."""

import asyncio
import copy
import dataclasses
import json
import pickle
import traceback
from collections.abc import Callable

import orjson
import pytest
import structlog

from chassis.db.rotating import conninfo_of
from chassis.ports.secrets import (
    Secret,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
    Validity,
)
from chassis.secrets.cache import CachedSecretManager
from chassis.secrets.placeholders import refuse_placeholder

VALUE = "hunter2-the-value"
PLACEHOLDERS = (
    "changeme|CHANGE_ME!|change-me please|<your password here>|password|Password123|xxxxxxxx|***|secret|example|todo|"
    "your-api-key|admin|12345678|placeholder|default|REPLACE_ME"
)


class Backend:
    """A backend whose answers the test decides."""

    def __init__(self) -> None:
        self.value = VALUE
        self.validity: Validity | None = None
        self.error: Exception | None = None
        self.reads = 0
        self.names: list[str] = []
        self.gate: asyncio.Event | None = None

    async def read(self, name: str) -> Secret:
        self.reads += 1
        self.names.append(name)
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        return Secret(name, self.value, self.validity)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def managed() -> tuple[Backend, Clock, CachedSecretManager]:
    backend, clock = Backend(), Clock()
    return backend, clock, CachedSecretManager(backend, clock=clock)


@dataclasses.dataclass
class Holder:
    secret: Secret


SHOWN: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret} {secret!s} {secret!a} %s" % secret,
    "dir": lambda secret: [str(getattr(secret, name, "")) for name in dir(secret) if not name.startswith("_")],
    "asdict": lambda secret: dataclasses.asdict(Holder(secret)),
    "container": lambda secret: {"a": [secret]},
    "error": ValueError,
    "structlog": lambda secret: structlog.processors.JSONRenderer()(None, "info", {"secret": secret}),
    "orjson": lambda secret: orjson.dumps({"secret": secret}, default=repr),
    "json": lambda secret: json.dumps({"secret": secret}, default=str),
    "hash": hash,
    "copy": lambda secret: (copy.copy(secret), copy.deepcopy([secret])),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=list(SHOWN))
def test_a_secret_does_not_show_its_value(show: Callable[[Secret], object]) -> None:
    assert VALUE not in str(show(Secret("probe", VALUE)))


@pytest.mark.parametrize("write", [pickle.dumps, orjson.dumps, json.dumps, vars])
def test_a_secret_cannot_be_written_down(write: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as caught:
        write(Secret("probe", VALUE))
    assert VALUE not in str(caught.value)


def test_a_traceback_with_local_variables_does_not_show_it() -> None:
    def use(secret: Secret) -> None:
        raise RuntimeError(secret)

    with pytest.raises(RuntimeError) as caught:
        use(Secret("probe", VALUE))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "secret = secret://probe" in shown
    assert VALUE not in shown


def test_secrets_are_compared_by_value() -> None:
    assert Secret("probe", VALUE) == Secret("probe", VALUE)
    assert Secret("probe", VALUE) != Secret("probe", "another")
    assert Secret("probe", VALUE) != Secret("other", VALUE)
    assert Secret("probe", VALUE) != VALUE


async def test_a_fresh_value_comes_from_memory_and_an_old_one_from_the_backend() -> None:
    backend, clock, manager = managed()
    for moment in (0, 1, 269):
        clock.now = 1000 + moment
        await manager.get("probe")
    assert backend.reads == 1
    clock.now = 1000 + 331
    backend.value = "second"
    assert (await manager.get("probe")).reveal() == "second"
    assert backend.reads == 2


async def test_replicas_do_not_ask_together() -> None:
    moments = set()
    for _ in range(50):
        backend, clock, manager = managed()
        await manager.get("probe")
        for moment in range(268, 333):
            clock.now = 1000 + moment
            await manager.get("probe")
            if backend.reads == 2:
                moments.add(moment)
                break
    assert len(moments) > 10
    assert min(moments) >= 270
    assert max(moments) <= 331


async def test_a_hundred_gets_at_once_are_one_read_even_if_the_first_gives_up() -> None:
    backend, _, manager = managed()
    backend.gate = asyncio.Event()
    gets = [asyncio.create_task(manager.get("probe")) for _ in range(100)]
    await asyncio.sleep(0)
    gets[0].cancel()
    await asyncio.sleep(0)
    backend.gate.set()
    found = await asyncio.gather(*gets, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(secret, Secret) for secret in found[1:])
    assert backend.reads == 1


async def test_an_outage_is_outlived_for_15_minutes_and_then_fails_closed() -> None:
    backend, clock, manager = managed()
    await manager.get("probe")
    backend.error = SecretUnavailableError()
    for moment in (400, 899):
        clock.now = 1000 + moment
        assert (await manager.get("probe")).reveal() == VALUE
    clock.now = 1000 + 900.1
    with pytest.raises(SecretUnavailableError):
        await manager.get("probe")
    clock.now = 1000 + 901
    backend.error, backend.value = None, "second"
    assert (await manager.get("probe")).reveal() == "second"


async def test_during_an_outage_nobody_waits_for_the_backend_again_and_again() -> None:
    backend, clock, manager = managed()
    await manager.get("probe")
    backend.error = SecretUnavailableError()
    clock.now += 400
    await manager.get("probe")
    reads = backend.reads
    for _ in range(100):
        await manager.get("probe")
    assert backend.reads == reads
    clock.now += 6
    backend.gate = asyncio.Event()  # it hangs from now on
    assert (await asyncio.wait_for(manager.get("probe"), 1)).reveal() == VALUE
    await manager.close()


async def test_a_secret_that_is_gone_is_used_no_longer() -> None:
    backend, clock, manager = managed()
    await manager.get("probe")
    clock.now += 400
    backend.error = SecretNotFoundError()
    with pytest.raises(SecretNotFoundError):
        await manager.get("probe")
    backend.error = SecretUnavailableError()
    with pytest.raises(SecretUnavailableError):
        await manager.get("probe")


async def test_a_lent_value_is_renewed_in_time_and_not_used_beyond_its_end() -> None:
    backend, clock, manager = managed()
    backend.validity = Validity(renew_seconds=40, end_seconds=60)
    await manager.get("probe")
    clock.now += 39
    await manager.get("probe")
    assert backend.reads == 1
    clock.now += 2
    backend.error = SecretUnavailableError()
    assert (await manager.get("probe")).reveal() == VALUE
    assert backend.reads == 2
    clock.now += 20
    with pytest.raises(SecretUnavailableError):
        await manager.get("probe")


async def test_a_check_reads_past_what_is_fresh_and_rather_what_is_not_lent() -> None:
    backend, _, manager = managed()
    assert not await manager.check(), "nothing was asked for, so nothing is known"
    backend.validity = Validity(renew_seconds=40, end_seconds=60)
    await manager.get("lent")
    backend.validity = None
    await manager.get("own")
    backend.names.clear()
    assert await manager.check()
    assert backend.names == ["own"]
    backend.error = SecretUnavailableError()
    with pytest.raises(SecretUnavailableError):
        await manager.check()
    assert (await manager.get("own")).reveal() == VALUE


async def test_only_the_rejected_value_is_dropped_and_not_too_often() -> None:
    backend, clock, manager = managed()
    first = await manager.get("probe")
    manager.invalidate("probe", first)
    await manager.get("probe")
    assert backend.reads == 1, "a value that was read a moment ago is not read again"
    clock.now += 1
    backend.value = "second"
    manager.invalidate("probe", first)
    assert (await manager.get("probe")).reveal() == "second"
    clock.now += 1
    manager.invalidate("probe", first)
    await manager.get("probe")
    assert backend.reads == 2, "another request has already replaced the rejected value"


async def test_callbacks_get_the_new_value_until_they_are_stopped() -> None:
    backend, _, manager = managed()
    seen: list[str] = []

    async def note(secret: Secret) -> None:
        seen.append(secret.reveal())

    async def fail(_secret: Secret) -> None:
        raise RuntimeError

    await manager.get("probe")
    manager.on_rotate("probe", fail)
    stop = manager.on_rotate("probe", note)
    for value in ("second", "second", "third"):
        backend.value = value
        manager.invalidate("probe")
        await manager.get("probe")
        await asyncio.sleep(0)
    stop()
    backend.value = "fourth"
    manager.invalidate("probe")
    await manager.get("probe")
    await asyncio.sleep(0)
    assert seen == ["second", "third"]
    await manager.close()


async def test_a_secret_that_is_watched_is_read_at_once_since_its_lease_may_be_short() -> None:
    backend, _, manager = managed()
    stop = manager.on_rotate("probe", lambda _secret: asyncio.sleep(0))
    async with asyncio.timeout(1):
        while not backend.reads:  # noqa: ASYNC110 - the backend knows no events
            await asyncio.sleep(0)
    stop()
    await manager.close()


@pytest.mark.parametrize("value", PLACEHOLDERS.split("|"))
def test_a_placeholder_is_refused_without_being_repeated(value: str) -> None:
    with pytest.raises(SecretRefusedError) as caught:
        refuse_placeholder(Secret("probe", value))
    assert caught.value.detail == "The secret 'probe' holds a placeholder; put a real value into the secret backend."


@pytest.mark.parametrize("value", ["v9-Kd7fhW2m", "correct horse battery staple", "test-4f9a1c", '{"password": "x1"}'])
def test_a_real_value_is_not(value: str) -> None:
    refuse_placeholder(Secret("probe", value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("p@ss/w%rd", "postgresql://app:p%40ss%2Fw%25rd@db:5432/x"),
        ('{"username": "v-app-1", "password": "p:w"}', "postgresql://v-app-1:p%3Aw@db:5432/x"),
        ('{"not": "a pair"}', "postgresql://app:%7B%22not%22%3A%20%22a%20pair%22%7D@db:5432/x"),
        ("{brace", "postgresql://app:%7Bbrace@db:5432/x"),
    ],
)
def test_credentials_go_into_the_connection_string(value: str, expected: str) -> None:
    assert conninfo_of("postgresql://app@db:5432/x", Secret("probe", value)) == expected
