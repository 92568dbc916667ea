"""LangGraph checkpoints in the service's own Postgres. Only workers and the migration step load this module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints


class PostgresCheckpoints:
    """The official saver on a pool of our own: checked connections, bounded life, autocommit as the saver needs it."""

    def __init__(self, saver: AsyncPostgresSaver) -> None:
        """Wrap an open saver."""
        self._saver = saver

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The official saver."""
        return self._saver

    async def prepare(self) -> None:
        """Run the saver's own migrations."""
        await self._saver.setup()


@asynccontextmanager
async def open_checkpoints(context: AdapterContext, size: int) -> AsyncIterator[Checkpoints]:
    """Open a pool of at most `size` connections."""
    options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool = AsyncConnectionPool[AsyncConnection[DictRow]](
        context.database,
        min_size=1,
        max_size=size,
        max_lifetime=1800,
        check=AsyncConnectionPool.check_connection,
        open=False,
        kwargs=options,
        name="checkpoints",
    )
    async with pool:
        yield PostgresCheckpoints(AsyncPostgresSaver(pool))
