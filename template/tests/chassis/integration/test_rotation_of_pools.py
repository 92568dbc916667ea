"""Pools of psycopg and connections that listen follow the credentials of the database."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.support.rotation import ScramServer, scram_server

from chassis import kept_connections
from chassis.adapters._postgres_listen import listening
from chassis.adapters._postgres_pool import open_pool
from chassis.db.rotating import RotatingDatabase
from chassis.ports.secrets import Secret
from chassis.secrets.cache import CachedSecretManager, CachePolicy

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[ScramServer]:
    with scram_server() as server:
        yield server


class Backend:
    """A secret backend that holds one value."""

    def __init__(self, value: str) -> None:
        self.value = value

    async def read(self, name: str) -> Secret:
        return Secret(name, self.value)


async def test_pools_and_listeners_are_reconnected(server: ScramServer) -> None:
    server.role("app", "first")
    backend = Backend("first")
    secrets = CachedSecretManager(backend, policy=CachePolicy(ttl=0.2))
    database = RotatingDatabase(server.settings("app"), secrets)
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with (
        open_pool(database, "rotation", min_size=1, max_size=2, wait_seconds=5) as pool,
        listening(database, "rotation", heard.put_nowait),
    ):

        async def told() -> None:
            async with asyncio.timeout(60):
                while heard.empty():
                    async with pool.connection() as connection:
                        await connection.execute("SELECT pg_notify('rotation', 'x')")
                    await asyncio.sleep(0.05)
                while not heard.empty():
                    heard.get_nowait()

        await told()
        for password in ("second", "third"):
            before = server.sessions("app%")
            await asyncio.to_thread(server.role, "app", password)
            backend.value = password
            await server.until_replaced("app%", before)
            await told()
    with suppress(asyncio.CancelledError):
        await secrets.close()


async def test_a_connection_that_the_server_ended_is_replaced_however_fresh_it_is(
    server: ScramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connections, "QUIET_SECONDS", 3600)
    server.role("app", "first")
    secrets = CachedSecretManager(Backend("first"), policy=CachePolicy())
    database = RotatingDatabase(server.settings("app"), secrets)
    async with open_pool(database, "kept", min_size=1, max_size=1, wait_seconds=5) as pool:
        before = server.sessions("app")
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        await asyncio.sleep(0.3)  # for its words to arrive
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        assert server.sessions("app").isdisjoint(before)
    await secrets.close()
