"""A log to look at: events of the sample's, sealed and shipped by a real keeper under the sealer's role."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg
from psycopg import sql
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine

from chassis import selected
from chassis.audit.record import record
from chassis.audit.signing import DEVELOPMENT_SEED, Head, SigningKey
from chassis.audit.tables import heads, seals, unsealed
from chassis.audit.verify import Report, trusted, verify
from chassis.db.engine import Sessions
from chassis.dev.environment import as_role
from chassis.import_strings import load_object
from chassis.ports.identity import Principal
from chassis.settings_loader import load_settings
from chassis.wiring import open_keeper

WRITER = Principal("acme", "ada", ("user",))
KEY = SigningKey(DEVELOPMENT_SEED)
FAST = {"CHASSIS__AUDIT__POLL_SECONDS": "0.05"}


@contextmanager
def keeper_environment(environment: Mapping[str, str], sink: Path, **more: str) -> Iterator[dict[str, str]]:
    """Give the environment of a keeper whose records come to be lines of the file `audit.jsonl`, whatever sink was chosen."""
    with sink_environment(sink) as given:
        yield {**as_role(environment, "sealer"), **FAST, **given, **more}


@contextmanager
def sink_environment(sink: Path) -> Iterator[dict[str, str]]:
    """Start what the chosen sink has on a laptop; a collector answers with an error while the file's folder is not there."""
    assert sink.name == "audit.jsonl"
    with load_object(selected.DEV_AUDIT_SINK)(sink.parent, {}) as given:
        platform = {name: value for name, value in given.items() if not name.startswith("CHASSIS")}
        with patch.dict(os.environ, platform):  # what a platform tells a process is no setting
            yield given


@asynccontextmanager
async def keeping(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Keep the log in this process, and stop as a process does."""
    stop = asyncio.Event()
    async with open_keeper(load_settings(environment)) as keeper:
        task = asyncio.create_task(keeper.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def write(sessions: Sessions, first: int, last: int) -> None:
    """Record events about things, one transaction each."""
    for number in range(first, last + 1):
        async with sessions.begin() as session:
            record(session, WRITER, "thing.counted", f"thing/{number}", number=number)


async def until_sealed(sessions: Sessions) -> None:
    """Wait until nothing waits for the sealer, and everything is signed."""
    signed = select(func.max(heads.c.sequence)).scalar_subquery()
    sealed = select(func.max(seals.c.sequence)).scalar_subquery()
    async with asyncio.timeout(60):
        while True:
            async with sessions() as session:
                left = await session.scalar(select(func.count()).select_from(unsealed))
                if left == 0 and await session.scalar(select(signed == sealed)):
                    return
            await asyncio.sleep(0.05)


async def report_on(url: str, outside: Sequence[Head] = (), key: SigningKey = KEY) -> Report:
    """Verify the log in the database at a URL."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        async with engine.connect() as connection:
            return await verify(connection, trusted([key.public]), outside)
    finally:
        await engine.dispose()


def copy_database(url: str, name: str) -> str:
    """Copy a database that nobody is connected to, under the name that the copy shall have."""
    base, _, source = url.rpartition("/")
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))
    return f"{base}/{name}"
