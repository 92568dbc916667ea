"""One LISTEN connection that survives the server's restarts; shared by the adapters that live in Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import LiteralString

import psycopg
import structlog
from psycopg import sql
from psycopg_pool import PoolTimeout

from chassis.adapters._postgres_pool import Pool
from chassis.ports.database import Database
from chassis.ports.errors import ChassisError, UnavailableError

log = structlog.get_logger()

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0


@asynccontextmanager
async def listening(
    database: Database,
    channel: str,
    on_payload: Callable[[str], None],
    *,
    on_connected: Callable[[], None] = lambda: None,
) -> AsyncIterator[None]:
    """Call `on_payload` for each notification on `channel` while the context is open.

    A lost connection is opened again with growing pauses, and at once when the credentials were replaced. What was
    notified in between is lost, which is why `on_connected` is called each time, and every user of this also polls.
    """
    listener = _Listener(database, channel, on_payload, on_connected)
    stop = database.on_rotate(listener.reconnect)
    task = asyncio.create_task(listener.listen_forever(), name=f"listen:{channel}")
    try:
        yield
    finally:
        stop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Listener:
    def __init__(
        self, database: Database, channel: str, on_payload: Callable[[str], None], on_connected: Callable[[], None]
    ) -> None:
        self._database = database
        self._channel = channel
        self._on_payload = on_payload
        self._on_connected = on_connected
        self._turn: asyncio.Timeout | None = None
        self._pause = FIRST_RETRY_SECONDS

    async def reconnect(self) -> None:
        """End the present connection, by its time being up now."""
        if self._turn is not None:
            with suppress(RuntimeError):  # it has just ended by itself
                self._turn.reschedule(asyncio.get_running_loop().time())

    async def listen_forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(None) as self._turn:
                    await self._listen()
            except TimeoutError:
                continue
            except (psycopg.Error, ChassisError) as error:
                log.warning(
                    "database.listen_lost", channel=self._channel, error=type(error).__name__, retry_seconds=self._pause
                )
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_RETRY_SECONDS)

    async def _listen(self) -> None:
        async with await self._database.connect(_connect) as connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            self._pause = FIRST_RETRY_SECONDS
            self._on_connected()
            async for notification in connection.notifies():
                self._on_payload(notification.payload)


async def _connect(conninfo: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)


async def notify(pool: Pool, channel: str, payload: str) -> None:
    """Send one notification; ids only, a payload is limited to 8,000 bytes. Raise `UnavailableError`."""
    await ask(pool, "SELECT pg_notify(%s, %s)", channel, payload)


async def ask(pool: Pool, statement: LiteralString, *parameters: str) -> None:
    """Execute a statement that can be repeated. Raise `UnavailableError`.

    The pool need not check its connections before each, which costs as much as a notification: it does after a failure.
    """
    try:
        try:
            await _ask(pool, statement, parameters)
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            await pool.check()
            await _ask(pool, statement, parameters)
    except (psycopg.Error, PoolTimeout) as error:
        raise UnavailableError from error


async def _ask(pool: Pool, statement: LiteralString, parameters: tuple[str, ...]) -> None:
    async with pool.connection() as connection:
        await connection.execute(statement, parameters or None)
