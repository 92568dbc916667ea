"""What every queue adapter must do; the chosen one is tested, on a real server."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text
from tests.support.isolation import elsewhere
from tests.support.queue import nowhere

from chassis import selected
from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.settings import Settings

pytestmark = pytest.mark.slow


async def test_a_published_run_wakes_a_listener(container: Container) -> None:
    woken = asyncio.Event()
    async with container.queue.listen(woken.set):
        async with asyncio.timeout(60):
            while not woken.is_set():  # a listener may need a moment until it hears
                await container.queue.publish(uuid4())
                await asyncio.sleep(0.1)


async def test_listening_ends_with_its_context(container: Container) -> None:
    woken = asyncio.Event()
    async with container.queue.listen(woken.set):
        pass
    await container.queue.publish(uuid4())
    await asyncio.sleep(0.2)
    assert not woken.is_set()


async def test_a_server_that_is_there_passes_the_check(container: Container) -> None:
    await container.queue.check()


async def test_a_connection_that_was_cut_costs_no_publish(container: Container) -> None:
    """For the queue in the database, whose pool does not try a connection before it lends it."""
    await container.queue.publish(uuid4())
    mine = "datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    async with container.sessions() as session:
        await session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
    await container.queue.publish(uuid4())


async def test_a_server_that_is_not_there_is_unavailable(settings: Settings, container: Container) -> None:
    no_database = elsewhere(container.adapter_context, settings, "postgresql://x@127.0.0.1:1/x")
    async with selected.open_queue(nowhere(settings.queue), no_database) as queue:
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
        with pytest.raises(UnavailableError):
            await queue.check()
