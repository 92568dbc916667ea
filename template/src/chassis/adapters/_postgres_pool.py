"""A psycopg pool whose connections are opened with the credentials of the moment; shared by the adapters in Postgres."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from chassis.kept_connections import can_be_lent
from chassis.ports.database import Database


class CurrentConnection(AsyncConnection[Any]):
    """A connection that asks the database for its connection string when it is opened, and knows when it was given back."""

    returned_at = float("-inf")

    @classmethod
    async def connect(cls, _conninfo: str = "", *, database: Database, **kwargs: Any) -> Self:  # type: ignore[override]
        """Connect through `database`, which retries once with new credentials."""
        opener = super().connect
        return await database.connect(lambda conninfo: opener(conninfo, **kwargs))

    async def note_return(self) -> None:
        """Note that its borrower is done with it."""
        self.returned_at = time.monotonic()

    async def check(self) -> None:
        """Raise `OperationalError` unless it is alive."""
        if not can_be_lent(self.fileno(), self.returned_at):
            await AsyncConnectionPool.check_connection(self)


RECONNECT_SECONDS = 5.0
"""psycopg's default of 300 s would let a pool sleep for two minutes after an outage of two minutes."""

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@asynccontextmanager
async def open_pool(
    database: Database,
    name: str,
    *,
    min_size: int,
    max_size: int,
    wait_seconds: float,
    checked: bool = True,
    **connection: Any,
) -> AsyncIterator[Pool]:
    """Open a pool of autocommitting connections; when the credentials change, they are replaced.

    `wait_seconds` is the longest wait for a connection, `checked` whether it is tried before it is lent; `connection` goes to
    psycopg's `connect`.
    """
    pool = AsyncConnectionPool(
        connection_class=CurrentConnection,
        kwargs={"database": database, "autocommit": True, **connection},
        min_size=min_size,
        max_size=max_size,
        timeout=wait_seconds,
        max_lifetime=1800,
        # Its pauses double all the while; afterwards each request for a connection begins anew with short ones.
        reconnect_timeout=RECONNECT_SECONDS,
        reset=CurrentConnection.note_return,
        check=CurrentConnection.check if checked else None,
        open=False,
        name=name,
    )
    async with pool:
        stop = database.on_rotate(pool.drain)
        try:
            yield cast("Pool", pool)
        finally:
            stop()
