"""Credentials of the database change while the service runs, and no request fails."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

import psycopg
import pytest
from sqlalchemy import text
from tests.support.rotation import ScramServer, scram_server, under_load

from chassis.db.engine import open_engine
from chassis.db.rotating import RotatingDatabase
from chassis.ports.database import Connection
from chassis.ports.secrets import Secret, SecretUnavailableError
from chassis.secrets.cache import CachedSecretManager, CachePolicy

pytestmark = pytest.mark.slow


async def connected(conninfo: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(conninfo)


class Backend:
    """A secret backend that holds one value."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.reads = 0
        self.down = False

    async def read(self, name: str) -> Secret:
        self.reads += 1
        if self.down:
            raise SecretUnavailableError
        return Secret(name, self.value)


@pytest.fixture(scope="module")
def server() -> Iterator[ScramServer]:
    with scram_server() as server:
        yield server


async def test_the_password_changes_three_times_under_load(server: ScramServer) -> None:
    server.role("app", "first")
    backend = Backend("first")
    secrets = CachedSecretManager(backend, policy=CachePolicy(ttl=0.2))
    settings = server.settings("app")
    async with (
        open_engine(RotatingDatabase(settings, secrets), settings, "rotation") as engine,
        under_load(engine) as load,
    ):
        await asyncio.sleep(0.3)
        for password in ("second", "third", "fourth"):
            before = server.sessions("app%")
            await asyncio.to_thread(server.role, "app", password)
            backend.value = password
            await server.until_replaced("app%", before)
    await secrets.close()
    assert load.errors == []
    assert load.done > 100


async def test_leased_credentials_of_another_role_replace_those_that_end(server: ScramServer) -> None:
    def issue(number: int) -> str:
        server.role(f"app_{number}", f"password {number}")
        return json.dumps({"username": f"app_{number}", "password": f"password {number}"})

    backend = Backend(issue(0))
    secrets = CachedSecretManager(backend, policy=CachePolicy(ttl=0.2))
    settings = server.settings("nobody")
    async with (
        open_engine(RotatingDatabase(settings, secrets), settings, "rotation") as engine,
        under_load(engine) as load,
    ):
        for number in (1, 2, 3):
            backend.value = await asyncio.to_thread(issue, number)
            async with asyncio.timeout(60):
                quiet = 0
                while quiet < 10:  # longer than a connection takes to be opened with what was read before
                    quiet = 0 if server.sessions(f"app_{number - 1}") else quiet + 1
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(server.revoke, f"app_{number - 1}")
            await asyncio.sleep(0.2)
    await secrets.close()
    assert load.errors == []
    assert load.users == {f"app_{number}" for number in range(4)}


class Turning(RotatingDatabase):
    """A database whose credentials change while each of the first connections is being opened."""

    times = 3
    opened = 0
    turned: Callable[[], Awaitable[None]]

    async def connect(self, attempt: Callable[[str], Awaitable[Connection]]) -> Connection:
        connection = await super().connect(attempt)
        self.opened += 1
        if self.opened <= self.times:
            await self.turned()
        return connection

    def on_rotate(self, callback: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        self.turned = callback
        return lambda: None


async def test_credentials_that_change_while_a_connection_is_opened_cost_another_and_no_error(
    server: ScramServer,
) -> None:
    server.role("app", "first")
    secrets = CachedSecretManager(Backend("first"))
    settings = server.settings("app")
    database = Turning(settings, secrets)
    async with open_engine(database, settings, "rotation") as engine, engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    await secrets.close()
    assert database.opened == 4


async def test_a_refused_connection_is_tried_again_with_what_the_backend_says_now(server: ScramServer) -> None:
    server.role("app", "old")
    backend = Backend("old")
    secrets = CachedSecretManager(backend)
    database = RotatingDatabase(server.settings("app"), secrets)
    await secrets.get("database_password")
    await asyncio.sleep(0.6)  # longer than the cache's `recheck`
    server.role("app", "new")
    backend.value = "new"
    async with await database.connect(connected):
        assert backend.reads == 2
    await secrets.close()


async def test_a_connection_waits_for_the_other_half_of_a_rotation(server: ScramServer) -> None:
    server.role("app", "old")
    backend = Backend("old")
    secrets = CachedSecretManager(backend)
    database = RotatingDatabase(server.settings("app"), secrets)
    await secrets.get("database_password")
    await asyncio.sleep(0.6)
    server.role("app", "new")

    async def later() -> None:
        await asyncio.sleep(0.5)
        backend.value = "new"

    half = asyncio.create_task(later())
    async with await database.connect(connected):
        await half
    await secrets.close()


async def test_a_wrong_password_is_an_error_and_not_a_storm(server: ScramServer) -> None:
    server.role("app", "right")
    backend = Backend("wrong")
    secrets = CachedSecretManager(backend)
    database = RotatingDatabase(server.settings("app"), secrets)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed") as caught:
        await asyncio.gather(*(database.connect(connected) for _ in range(20)))
    assert backend.reads <= 3
    assert "wrong" not in str(caught.value)
    await secrets.close()


async def test_a_server_that_is_not_there_costs_the_backend_nothing(server: ScramServer) -> None:
    backend = Backend("any")
    secrets = CachedSecretManager(backend)
    settings = server.settings("app").model_copy(update={"url": "postgresql://app@127.0.0.1:1/x"})
    database = RotatingDatabase(settings, secrets)
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError):
            await database.connect(connected)
    assert backend.reads == 1
    await secrets.close()
