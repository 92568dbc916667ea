"""LangGraph's saver for Postgres with what it lacks: the fence, nothing in the clear, and all of its own interface.

`_cursor` and `_load_checkpoint_tuple` are LangGraph's own seams but not its public interface: should they change, the
contract suite, which holds it to what is said here, notices.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import NoneType
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from psycopg import AsyncCursor
from psycopg.errors import DivisionByZero
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from chassis.adapters._checkpoint_ids import witness
from chassis.adapters._failed_steps import worth_keeping
from chassis.adapters._postgres_pool import Pool
from chassis.adapters._postgres_prune import DELETE_FOR_RUNS, PRUNE_BY_COUNT
from chassis.adapters._thread_context import sealing
from chassis.ports.checkpoints import RenewableSerializer, UnknownKeyError
from chassis.ports.fence import LeaseLostError, current_fence

READABLE = (str, int, float, NoneType)
"""What LangGraph's own saver keeps in the checkpoint's row."""

HELD = """
SELECT 1 / count(*), CASE WHEN current_setting('server_version_num')::int >= 170000
    THEN set_config('transaction_timeout', '5s', true) END
FROM (
    SELECT FROM run WHERE run_id = %s AND fence = %s AND status = 'running' FOR SHARE
) AS held
"""
"""Fails where the job is not held any more, and with it all that follows in the same pipeline; until the commit, a take-over
waits for the lock. It costs no round trip, which a statement whose answer has to be looked at would. A worker that freezes between this and
the end of the pipeline keeps the lock for five seconds only, from Postgres 17 on, which has a timeout for that."""


class FencedPostgresSaver(AsyncPostgresSaver):
    """Writes only while the present fence holds, and every value as an encrypted blob."""

    def __init__(self, pool: Pool, serializer: RenewableSerializer, keep_last: int) -> None:
        """Use a pool of dict-row connections; of each namespace `keep_last` checkpoints are kept while a run goes on."""
        super().__init__(pool, serde=serializer.serde)
        self._pool = pool
        self._serializer = serializer
        self._keep_last = keep_last

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> BaseCheckpointSaver[str]:
        """Keep to the list: what LangGraph derives from a graph's schemas is not what the agent has named."""
        return self

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[AsyncCursor[DictRow]]:
        """Give a cursor, without the lock by which LangGraph lets one step of the process be saved at a time.

        LangGraph writes in a pipeline, which on an autocommitting connection is one transaction up to its end
        (postgresql.org/docs/current/protocol-flow.html, "Pipelining").
        """
        async with self._pool.connection() as connection:
            if not pipeline:
                async with connection.cursor(binary=True, row_factory=dict_row) as cursor:
                    yield cursor
                return
            fence = current_fence.get()
            try:
                async with connection.pipeline(), connection.cursor(binary=True, row_factory=dict_row) as cursor:
                    if fence is not None:
                        await cursor.execute(HELD, (fence.job_id, fence.number))
                    yield cursor
            except DivisionByZero as error:
                raise LeaseLostError from error

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read a checkpoint; where its key is not known yet, the secret is asked once."""
        try:
            found = await super().aget_tuple(config)
        except UnknownKeyError as error:
            if not await self._serializer.renew(error):
                raise
            found = await super().aget_tuple(config)
        if found is not None:
            witness(found.checkpoint["id"])
        return found

    async def _load_checkpoint_tuple(self, value: DictRow) -> CheckpointTuple:
        with sealing(value["thread_id"]):
            return await super()._load_checkpoint_tuple(value)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint, and now and then prune.

        LangGraph's own keeps strings and numbers readable in the checkpoint's row. Here each value is a blob; one that is
        not new is written as well where it might still lie in such a row only, which mostly finds it written.
        """
        configurable = config["configurable"]
        thread_id, namespace = configurable["thread_id"], configurable["checkpoint_ns"]
        values, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
        written = {
            channel: new_versions.get(channel, versions[channel])
            for channel, value in values.items()
            if channel in versions and (channel in new_versions or isinstance(value, READABLE))
        }
        row = {**checkpoint, "channel_values": {k: True for k, v in values.items() if isinstance(v, _DeltaSnapshot)}}
        with sealing(thread_id):
            blobs = await asyncio.to_thread(self._dump_blobs, thread_id, namespace, values, written)
        async with self._cursor(pipeline=True) as cursor:
            if blobs:
                await cursor.executemany(self.UPSERT_CHECKPOINT_BLOBS_SQL, blobs)
            described = Jsonb(get_serializable_checkpoint_metadata(config, metadata))
            parent = configurable.get("checkpoint_id")
            keys = (thread_id, namespace, checkpoint["id"], parent)
            await cursor.execute(self.UPSERT_CHECKPOINTS_SQL, (*keys, Jsonb(row), described))
            if metadata.get("step", 0) % self._keep_last == 0:
                await cursor.execute(PRUNE_BY_COUNT, {"thread": thread_id, "keep": self._keep_last})
        return {"configurable": {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": checkpoint["id"]}}

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a step's tasks have written."""
        with sealing(config["configurable"]["thread_id"]):
            await super().aput_writes(config, worth_keeping(writes), task_id, task_path)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Prune threads to their latest checkpoints, or delete them."""
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
            else:
                await self.prune_thread(thread_id, 1)

    async def prune_thread(self, thread_id: str, keep_last: int, statement: str = PRUNE_BY_COUNT, **values: Any) -> int:
        """Execute a statement that prunes, and return how many checkpoints went."""
        async with self._cursor(pipeline=True) as cursor:
            await cursor.execute(statement, {"thread": thread_id, "keep": keep_last, **values})
            row = await cursor.fetchone()
        return row["pruned"] if row else 0

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs; blobs go when their thread is pruned next, or deleted."""
        async with self._cursor(pipeline=True) as cursor:
            await cursor.execute(DELETE_FOR_RUNS, {"runs": [str(run_id) for run_id in run_ids]})

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, each value opened and sealed anew for the other one."""
        await _copy(self, source_thread_id, target_thread_id)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Read the history of channels that are saved as differences."""
        with sealing(config["configurable"]["thread_id"]):
            return await super().aget_delta_channel_history(config=config, channels=channels)


async def _copy(saver: FencedPostgresSaver, source: str, target: str) -> None:
    async with saver._cursor() as cursor:  # noqa: SLF001 - a part of that class
        await cursor.execute("SELECT * FROM checkpoint_blobs WHERE thread_id = %s", (source,))
        blobs = await cursor.fetchall()
        await cursor.execute("SELECT * FROM checkpoint_writes WHERE thread_id = %s", (source,))
        writes = await cursor.fetchall()
    for row in (*blobs, *writes):
        if row["type"] != "empty":
            with sealing(source):
                value = saver.serde.loads_typed((row["type"], row["blob"]))
            with sealing(target):
                row["type"], row["blob"] = saver.serde.dumps_typed(value)
        row["thread_id"] = target
    async with saver._cursor(pipeline=True) as cursor:  # noqa: SLF001
        await cursor.execute(
            "INSERT INTO checkpoints SELECT %s, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
            " FROM checkpoints WHERE thread_id = %s ON CONFLICT DO NOTHING",
            (target, source),
        )
        for table, rows in (("checkpoint_blobs", blobs), ("checkpoint_writes", writes)):
            for row in rows:
                places = ", ".join(["%s"] * len(row))
                query = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
                await cursor.execute(query, list(row.values()))
