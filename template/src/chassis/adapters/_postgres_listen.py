"""One LISTEN connection that survives the server's restarts; shared by the adapters that live in Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from psycopg import sql

log = structlog.get_logger()

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0


@asynccontextmanager
async def listening(conninfo: str, channel: str, on_payload: Callable[[str], None]) -> AsyncIterator[None]:
    """Call `on_payload` for each notification on `channel` while the context is open.

    A lost connection is opened again with growing pauses. What was notified in between is lost, which is why every
    user of this also polls.
    """
    task = asyncio.create_task(_listen_forever(conninfo, channel, on_payload), name=f"listen:{channel}")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listen_forever(conninfo: str, channel: str, on_payload: Callable[[str], None]) -> None:
    pause = FIRST_RETRY_SECONDS
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                pause = FIRST_RETRY_SECONDS
                async for notification in connection.notifies():
                    on_payload(notification.payload)
        except psycopg.Error as error:
            log.warning("database.listen_lost", channel=channel, error=type(error).__name__, retry_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_RETRY_SECONDS)


async def notify(pool_connection: psycopg.AsyncConnection[object], channel: str, payload: str) -> None:
    """Send one notification; ids only, a payload is limited to 8,000 bytes."""
    await pool_connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))
