"""The broker's password changes while the service runs, and no publish fails."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import structlog
from tests.support.queue import BrokerWithPassword
from tests.support.service import until

from chassis.container import Container
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import Secret, SecretUnavailableError
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

USER = "app"


class Passwords:
    """A secret backend with the password that the broker's user ought to have."""

    def __init__(self) -> None:
        self.value = "first"
        self.reads = 0
        self.down = False

    async def read(self, name: str) -> Secret:
        self.reads += 1
        if self.down:
            raise SecretUnavailableError
        return Secret(name, self.value)


@pytest.fixture
def passwords(broker: BrokerWithPassword) -> Passwords:
    """It has the password of the user."""
    passwords = Passwords()
    broker.user(USER, passwords.value)
    return passwords


@pytest.fixture
def queue_settings(broker: BrokerWithPassword) -> QueueSettings:
    """Settings with which the user logs in."""
    scheme, _, rest = broker.url.partition("://")
    values = {"url": f"{scheme}://{USER}@{rest.rpartition('@')[2]}", "password": "secret://queue_password"}
    return QueueSettings.model_validate(values, context={"environment": "test"})


@pytest.fixture
async def secrets(passwords: Passwords) -> AsyncIterator[CachedSecretManager]:
    """Keeps a value for minutes: what notices a rotation is the refused connection."""
    manager = CachedSecretManager(passwords)
    yield manager
    await manager.close()


@pytest.fixture
def context(container: Container, secrets: CachedSecretManager) -> AdapterContext:
    return AdapterContext(database=container.adapter_context.database, secrets=secrets, service="rotation")


class Load:
    """Publishes all the time, and counts what failed."""

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self.done = 0
        self.errors: list[BaseException | None] = []

    async def forever(self) -> None:
        while True:
            try:
                await self._queue.publish(uuid4())
            except UnavailableError as error:
                self.errors.append(error.__cause__)
            self.done += 1
            await asyncio.sleep(0.01)

    async def more(self) -> None:
        """Wait for publishes that begin from now on."""
        wanted = self.done + 20
        async with asyncio.timeout(60):
            while self.done < wanted:  # noqa: ASYNC110 - counted by the tasks themselves
                await asyncio.sleep(0.01)


@asynccontextmanager
async def under_load(queue: RunQueue) -> AsyncIterator[Load]:
    load = Load(queue)
    tasks = [asyncio.create_task(load.forever()) for _ in range(4)]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def heard(woken: asyncio.Event) -> None:
    woken.clear()
    await asyncio.wait_for(woken.wait(), 60)


async def test_the_password_changes_three_times_under_load(
    broker: BrokerWithPassword, passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    woken = asyncio.Event()
    async with (
        open_queue(queue_settings, context) as queue,
        queue.listen(woken.set),
        under_load(queue) as load,
    ):
        await heard(woken)
        for password in ("second", "third", "fourth"):
            await load.more()
            passwords.value = password
            await asyncio.to_thread(broker.rotate, USER, password)
            await load.more()
            await queue.check()
            await heard(woken)
    assert load.errors == []
    assert passwords.reads < 20, "one refusal asks the backend, not each connection"


async def test_a_connection_waits_for_the_other_half_of_a_rotation(
    broker: BrokerWithPassword, passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    async with open_queue(queue_settings, context) as queue:
        await queue.publish(uuid4())
        await asyncio.sleep(0.6)  # longer than the cache's `recheck`
        broker.rotate(USER, "second")

        async def later() -> None:
            await asyncio.sleep(0.5)
            passwords.value = "second"

        half = asyncio.create_task(later())
        await queue.publish(uuid4())
        await half


async def test_a_listener_waits_until_the_secret_is_right_again(
    broker: BrokerWithPassword, passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    woken = asyncio.Event()
    async with (
        open_queue(queue_settings, context) as queue,
        queue.listen(woken.set),
    ):
        await queue.publish(uuid4())
        await asyncio.wait_for(woken.wait(), 60)
        await asyncio.sleep(0.6)
        broker.rotate(USER, "second")
        passwords.down = True
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
        passwords.down, passwords.value = False, "second"
        async with under_load(queue) as load:
            await heard(woken)
    assert load.done


async def test_a_listener_that_is_refused_says_why_and_tries_again(
    passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    passwords.value = "wrong"
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, context) as queue, queue.listen(woken.set):
            await until(lambda: len(refusals(logs)) > 1)
            passwords.value = "first"
            async with under_load(queue):
                await heard(woken)
    assert all(refusal["error"] and "\n" not in refusal["error"] for refusal in refusals(logs))
    assert [refusal["retry_seconds"] for refusal in refusals(logs)][:2] == [1, 2], "each pause is longer"
    assert "wrong" not in str(logs)


def refusals(logs: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"] == "queue.unreachable"]


async def test_a_wrong_password_is_unavailable_and_not_a_storm(
    broker: BrokerWithPassword, passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    passwords.value = "wrong"
    async with open_queue(queue_settings, context) as queue:
        found = await asyncio.gather(*(queue.publish(uuid4()) for _ in range(8)), return_exceptions=True)
        assert {type(error) for error in found} == {UnavailableError}
        with pytest.raises(UnavailableError) as caught:
            await queue.check()
    assert passwords.reads <= 8
    assert "wrong" not in f"{caught.value} {caught.value.__cause__}"


async def test_two_queues_at_one_address_have_each_its_own_password(
    broker: BrokerWithPassword, passwords: Passwords, queue_settings: QueueSettings, context: AdapterContext
) -> None:
    """kombu shares connections in the process by their address."""
    async with open_queue(queue_settings, context) as queue:
        await queue.publish(uuid4())
    wrong = CachedSecretManager(Passwords())
    async with open_queue(queue_settings, AdapterContext(context.database, wrong, context.service)) as queue:
        broker.rotate(USER, "second")
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
    await wrong.close()
