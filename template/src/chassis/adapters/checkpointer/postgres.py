"""LangGraph checkpoints in the service's own Postgres. Only workers and the migration step load this module."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from langgraph.checkpoint.base import BaseCheckpointSaver
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from chassis.adapters._checkpoint_ids import id_at, witness
from chassis.adapters._postgres_pool import open_pool
from chassis.adapters._postgres_prune import NEWEST, PRUNE_BY_AGE, THREADS_WITH_OLDER
from chassis.adapters._postgres_saver import FencedPostgresSaver
from chassis.adapters.checkpointer.postgres_settings import StateStoreSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints, CheckpointsLostError, RenewableSerializer
from chassis.ports.errors import UnavailableError

TIMEOUT_SECONDS = 10.0


class PostgresCheckpoints:
    """The saver on a pool of our own."""

    def __init__(self, saver: FencedPostgresSaver) -> None:
        """Wrap an open saver."""
        self._saver = saver

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The saver."""
        return self._saver

    async def prepare(self) -> None:
        """Run LangGraph's own migrations."""
        await self._saver.setup()

    async def check(self) -> None:
        """Ask for the newest checkpoint of no thread."""
        try:
            await self._newest("")
        except (psycopg.Error, PoolTimeout) as error:
            raise UnavailableError from error

    async def require(self, thread_id: str, checkpoint_id: str) -> None:
        """Compare with the thread's newest checkpoint; see the port."""
        newest = await self._newest(thread_id)
        if newest is None or newest < checkpoint_id:
            raise CheckpointsLostError
        witness(newest)

    async def prune(self, thread_id: str, keep_last: int) -> int:
        """Prune by count; see the port."""
        return await self._saver.prune_thread(thread_id, keep_last)

    async def prune_older(self, than: dt.datetime, limit: int) -> int:
        """Prune by age; see the port."""
        before = id_at(than)
        async with self._saver._cursor() as cursor:  # noqa: SLF001 - the way to its pool
            await cursor.execute(THREADS_WITH_OLDER, {"before": before, "limit": limit})
            threads = [row["thread_id"] for row in await cursor.fetchall()]
        for thread_id in threads:
            await self._saver.prune_thread(thread_id, 1, PRUNE_BY_AGE, before=before)
        return len(threads)

    async def delete(self, thread_id: str) -> None:
        """Delete everything of a thread."""
        await self._saver.adelete_thread(thread_id)

    async def _newest(self, thread_id: str) -> str | None:
        async with self._saver._cursor() as cursor:  # noqa: SLF001
            await cursor.execute(NEWEST, (thread_id,))
            row = await cursor.fetchone()
        newest: str | None = row["newest"] if row else None
        return newest


@asynccontextmanager
async def open_checkpoints(
    _settings: StateStoreSettings,
    context: AdapterContext,
    serializer: RenewableSerializer,
    *,
    keep_last: int,
    size: int,
) -> AsyncIterator[Checkpoints]:
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
        yield PostgresCheckpoints(FencedPostgresSaver(pool, serializer, keep_last))
