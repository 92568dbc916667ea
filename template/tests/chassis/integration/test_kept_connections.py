"""Connections that are kept: lent without a question while they are in use, and never when they are gone."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import kept_connections
from chassis.container import Container
from chassis.db.engine import open_engine
from chassis.dev.environment import DATABASE_URL

pytestmark = pytest.mark.slow

PING = ";"


@pytest.fixture
async def engine(container: Container) -> AsyncIterator[AsyncEngine]:
    one = container.settings.database.model_copy(update={"pool_size": 1})
    async with open_engine(container.adapter_context.database, one, "kept") as engine:
        yield engine


@pytest.fixture
async def server(environment: Mapping[str, str]) -> AsyncIterator[psycopg.AsyncConnection]:
    """The server, as its administrator sees it."""
    async with await psycopg.AsyncConnection.connect(environment[DATABASE_URL], autocommit=True) as connection:
        yield connection


async def backend(engine: AsyncEngine) -> int:
    """Use the pool's only connection, and say which of the server's processes serves it."""
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def last_asked(server: psycopg.AsyncConnection, pid: int) -> str:
    answer = await (await server.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])).fetchone()
    assert answer is not None
    return str(answer[0])


async def test_one_that_was_used_just_now_is_lent_without_a_question(
    engine: AsyncEngine, server: psycopg.AsyncConnection
) -> None:
    pid = await backend(engine)
    async with engine.connect():
        assert await last_asked(server, pid) != PING


async def test_one_that_nobody_used_for_a_while_is_asked(
    engine: AsyncEngine, server: psycopg.AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connections, "QUIET_SECONDS", 0)
    pid = await backend(engine)
    async with engine.connect():
        assert await last_asked(server, pid) == PING


async def test_one_that_the_server_ended_is_replaced_however_fresh_it_is(
    engine: AsyncEngine, server: psycopg.AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_connections, "QUIET_SECONDS", 3600)
    pid = await backend(engine)
    await server.execute("SELECT pg_terminate_backend(%s)", [pid])
    await asyncio.sleep(0.3)  # for its words to arrive
    assert await backend(engine) != pid
