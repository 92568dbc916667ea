"""What a connection has prepared stays prepared, since psycopg throws all of it away when anything is rolled back.

So a read ends in a commit, or is a transaction of its own (`single_statement`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.support.service import RunningService

pytestmark = pytest.mark.slow

LONGER_THAN_ALL_INTERVALS_SECONDS = 3
"""Of the sweeper, the leases, the schedules and the measures, with the tests' settings."""


def engine_of(service: RunningService) -> AsyncEngine:
    engine = service.container.sessions.kw["bind"]
    assert isinstance(engine, AsyncEngine)
    return engine


@contextmanager
def rollbacks(service: RunningService) -> Iterator[list[str]]:
    """Collect the last statement of each transaction that is rolled back without need."""
    found: list[str] = []
    engine = engine_of(service).sync_engine

    def remember(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        connection.info["statement"] = statement

    def note(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        if driver.info.transaction_status == TransactionStatus.INTRANS:  # neither in error, nor with nothing to send
            found.append(connection.info["statement"])

    event.listen(engine, "before_cursor_execute", remember)
    event.listen(engine, "rollback", note)
    try:
        yield found
    finally:
        event.remove(engine, "rollback", note)
        event.remove(engine, "before_cursor_execute", remember)


async def test_a_service_at_work_rolls_nothing_back(service: RunningService) -> None:
    client = service.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    with rollbacks(service) as found:
        for _ in range(3):
            await client.runs.wait(thread_id, "agent", input={"rounds": 1})
        run = await client.runs.create(thread_id, "agent", input={"rounds": 8, "delay": 0.25})
        await client.runs.join(thread_id, run["run_id"])
        assert [part async for part in client.runs.join_stream(thread_id, run["run_id"])]
        await client.runs.list(thread_id)
        await client.threads.get_state(thread_id)
        async with service.http() as http:
            assert (await http.get("/health/ready")).status_code == 200
        await asyncio.sleep(LONGER_THAN_ALL_INTERVALS_SECONDS)
    assert not found, "\n\n".join(found)
