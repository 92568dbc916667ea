"""The pooled engine and its sessions."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakKeyDictionary

import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from chassis.db import json
from chassis.kept_connections import can_be_lent
from chassis.ports.database import Database
from chassis.settings import DatabaseSettings
from chassis.telemetry.metrics import POOL_CONNECTIONS, POOL_LIMIT

POOL, STATE = "db.client.connection.pool.name", "db.client.connection.state"
Sessions = async_sessionmaker[AsyncSession]


@asynccontextmanager
async def open_engine(database: Database, settings: DatabaseSettings, application: str) -> AsyncIterator[AsyncEngine]:
    """Open the pool and close it with the context. When the credentials change, its connections are replaced by and by."""
    # A process frozen in mid-transaction would otherwise hold its locks, and so the run it lost, for ever.
    options = (
        f"-c statement_timeout={int(settings.statement_timeout_seconds * 1000)} "
        f"-c idle_in_transaction_session_timeout={int(settings.idle_transaction_seconds * 1000)}"
    )

    credentials = Credentials()

    async def connect() -> psycopg.AsyncConnection[Any]:
        while True:
            generation = credentials.generation
            connection: psycopg.AsyncConnection[Any] = await database.connect(
                lambda conninfo: psycopg.AsyncConnection.connect(
                    conninfo, application_name=application, options=options
                )
            )
            if generation == credentials.generation:
                break
            await connection.close()  # replaced meanwhile; perhaps this one has the new ones, perhaps not
        credentials.opened[connection] = generation
        set_json_dumps(json.dumps, connection)
        set_json_loads(json.loads, connection)
        return connection

    engine = create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        pool_size=settings.pool_size,
        max_overflow=0,
        # In turn, not the one used last first: each is looked at soon, and replaced where its credentials were.
        pool_use_lifo=False,
        pool_recycle=1800,
    )
    ping = engine.sync_engine.dialect.do_ping
    event.listen(engine.sync_engine, "checkin", note_return)
    event.listen(
        engine.sync_engine, "checkout", lambda connection, record, _proxy: require_alive(connection, record, ping)
    )
    event.listen(engine.sync_engine, "checkout", credentials.require_current)
    stop = database.on_rotate(credentials.replaced)
    try:
        with (
            POOL_CONNECTIONS.reading(lambda: _counted(engine, application)),
            POOL_LIMIT.reading(lambda: [(settings.pool_size, {POOL: application})]),
        ):
            yield engine
    finally:
        stop()
        await engine.dispose()


def _counted(engine: AsyncEngine, name: str) -> list[tuple[float, dict[str, str]]]:
    pool = cast("QueuePool", engine.sync_engine.pool)
    return [(pool.checkedout(), {POOL: name, STATE: "used"}), (pool.checkedin(), {POOL: name, STATE: "idle"})]


@asynccontextmanager
async def single_statement(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Open a session for one statement, which is a transaction of its own and costs no round trips for BEGIN and COMMIT."""
    async with sessions() as session:
        _ = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        yield session


RETURNED_AT = "returned_at"


def note_return(_connection: Any, record: Any) -> None:
    """Note when a connection came back, for the next who borrows it."""
    record.info[RETURNED_AT] = time.monotonic()


def require_alive(connection: Any, record: Any, ping: Callable[[Any], object]) -> None:
    """Replace a connection that was lost, as `pool_pre_ping` would, but without a round trip for one that was used just now.

    The others are replaced with it, since they have most likely met the same end.
    """
    returned_at = record.info.get(RETURNED_AT)
    if returned_at is None or can_be_lent(connection.driver_connection.fileno(), returned_at):
        return
    try:
        ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError from error


@dataclass
class Credentials:
    """Which credentials a connection was opened with, so that older connections end at their next checkout.

    Not before: a transaction in flight ends as it would have, which is what the old credentials' grace is for.
    """

    generation: int = 0
    opened: WeakKeyDictionary[psycopg.AsyncConnection[Any], int] = field(default_factory=WeakKeyDictionary)

    async def replaced(self) -> None:
        """Count the credentials on."""
        self.generation += 1

    def require_current(self, connection: Any, _record: Any, _proxy: Any) -> None:
        """Refuse an older connection, as SQLAlchemy's event `checkout` can: the pool then opens a new one."""
        if self.opened.get(connection.driver_connection, -1) < self.generation:
            message = "opened with credentials that have since been replaced"
            raise DisconnectionError(message)


def make_sessions(engine: AsyncEngine, service: str, version: str, **info: Any) -> Sessions:
    """Sessions whose objects stay readable after the commit, and which tell audit events what service this is.

    info: what else is noted in each session; names that begin with _ stay out of the audit log.
    """
    return async_sessionmaker(engine, expire_on_commit=False, info={"service": service, "version": version, **info})
