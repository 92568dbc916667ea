"""LangGraph checkpoints in the service's own Postgres. Only workers and the migration step load this module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row

from chassis.adapters._postgres_pool import open_pool
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints

TIMEOUT_SECONDS = 30.0


class PostgresCheckpoints:
    """The official saver on a pool of our own."""

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
    async with open_pool(
        context.database,
        "checkpoints",
        min_size=1,
        max_size=size,
        wait_seconds=TIMEOUT_SECONDS,
        prepare_threshold=0,
        row_factory=dict_row,
    ) as pool:
        yield PostgresCheckpoints(AsyncPostgresSaver(pool))
