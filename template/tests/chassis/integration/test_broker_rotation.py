"""The broker's password changes while the service runs, and no publish fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
import redis

from chassis.container import Container
from chassis.dev.redis import redis_server
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import Secret, SecretUnavailableError
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow


class Broker:
    """A Valkey whose user `app` has a password, and the secret that ought to hold it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.admin = redis.Redis.from_url(url)
        self.value = "first"
        self.reads = 0
        self.down = False
        self.command("ACL", "SETUSER", "app", "reset", "on", ">first", "~*", "&*", "+@all")

    async def read(self, name: str) -> Secret:
        """Be the secret backend."""
        self.reads += 1
        if self.down:
            raise SecretUnavailableError
        return Secret(name, self.value)

    def command(self, *words: str) -> Any:
        return self.admin.execute_command(*words)  # type: ignore[no-untyped-call]

    def rotate(self, password: str) -> None:
        """Give the user another password, take the old ones away and throw out who logged in with them."""
        self.command("ACL", "SETUSER", "app", "resetpass", f">{password}")
        self.command("CLIENT", "KILL", "USER", "app")

    def settings(self, url: str | None = None) -> QueueSettings:
        values = {"url": (url or self.url).replace("://", "://app@"), "password": "secret://queue_password"}
        return QueueSettings.model_validate(values, context={"environment": "test"})


@pytest.fixture
def broker() -> Iterator[Broker]:
    with TemporaryDirectory(prefix="chassis-broker-") as directory, redis_server(Path(directory)) as url:
        yield Broker(url)


@pytest.fixture
async def secrets(broker: Broker) -> AsyncIterator[CachedSecretManager]:
    """Keeps a value for minutes: what notices a rotation is the refused connection."""
    manager = CachedSecretManager(broker)
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
        async with asyncio.timeout(20):
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
    await asyncio.wait_for(woken.wait(), 30)


async def test_the_password_changes_three_times_under_load(broker: Broker, context: AdapterContext) -> None:
    woken = asyncio.Event()
    async with (
        open_queue(broker.settings(), context) as queue,
        queue.listen(woken.set),
        under_load(queue) as load,
    ):
        await heard(woken)
        for password in ("second", "third", "fourth"):
            await load.more()
            broker.value = password
            await asyncio.to_thread(broker.rotate, password)
            await load.more()
            await queue.check()
            await heard(woken)
    assert load.errors == []
    assert broker.reads < 20, "one refusal asks the backend, not each connection"


async def test_a_connection_waits_for_the_other_half_of_a_rotation(broker: Broker, context: AdapterContext) -> None:
    async with open_queue(broker.settings(), context) as queue:
        await queue.publish(uuid4())
        await asyncio.sleep(0.6)  # longer than the cache's `recheck`
        broker.rotate("second")

        async def later() -> None:
            await asyncio.sleep(0.5)
            broker.value = "second"

        half = asyncio.create_task(later())
        await queue.publish(uuid4())
        await half


async def test_a_listener_waits_until_the_secret_is_right_again(broker: Broker, context: AdapterContext) -> None:
    woken = asyncio.Event()
    async with (
        open_queue(broker.settings(), context) as queue,
        queue.listen(woken.set),
    ):
        await queue.publish(uuid4())
        await asyncio.wait_for(woken.wait(), 30)
        await asyncio.sleep(0.6)
        broker.rotate("second")
        broker.down = True
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
        broker.down, broker.value = False, "second"
        async with under_load(queue) as load:
            await heard(woken)
    assert load.done


async def test_a_wrong_password_is_unavailable_and_not_a_storm(broker: Broker, context: AdapterContext) -> None:
    broker.value = "wrong"
    async with open_queue(broker.settings(), context) as queue:
        found = await asyncio.gather(*(queue.publish(uuid4()) for _ in range(8)), return_exceptions=True)
        assert {type(error) for error in found} == {UnavailableError}
        with pytest.raises(UnavailableError) as caught:
            await queue.check()
    assert broker.reads <= 8
    assert "wrong" not in f"{caught.value} {caught.value.__cause__}"


async def test_two_queues_at_one_address_have_each_its_own_password(broker: Broker, context: AdapterContext) -> None:
    """kombu shares connections in the process by their address."""
    async with open_queue(broker.settings(), context) as queue:
        await queue.publish(uuid4())
    wrong = CachedSecretManager(Broker(broker.url))
    async with open_queue(broker.settings(), AdapterContext(context.database, wrong, context.service)) as queue:
        broker.rotate("second")
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
    await wrong.close()
