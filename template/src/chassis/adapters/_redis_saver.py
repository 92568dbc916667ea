"""A LangGraph saver on plain Redis or Valkey: no modules, one script a call, one round trip a call.

Each write happens whole or not at all, and not at all where another worker has overtaken this one; see `_redis_scripts`.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
    writes_sort_key,
)

from chassis.adapters._checkpoint_ids import witness
from chassis.adapters._failed_steps import worth_keeping
from chassis.adapters._redis_client import StateClient
from chassis.adapters._redis_layout import ThreadKeys, beginning_with, decoded, encoded, fence_text, name_of, parts_of
from chassis.adapters._redis_prune import Headers, doomed_by_count, headers_by_checkpoint, names_to_drop
from chassis.adapters._redis_scripts import CLEAR, DROP, HEADERS, READ, WRITE, Script
from chassis.adapters._thread_context import sealing
from chassis.ports.checkpoints import RenewableSerializer, UnknownKeyError
from chassis.ports.fence import current_fence

CHUNK = 1000
FENCE_STAYS_SECONDS = 86_400
Entry = dict[bytes, bytes]
Record = tuple[str, bytes, dict[str, Any], Any]
"""How it is written (set or add), its name, its header and its value."""


class FencedRedisSaver(BaseCheckpointSaver[str]):
    """Keeps checkpoints in a thread's three keys."""

    def __init__(self, client: StateClient, keys: ThreadKeys, serializer: RenewableSerializer, keep_last: int) -> None:
        """Of each namespace `keep_last` checkpoints, or up to twice as many, are kept while a run goes on."""
        super().__init__(serde=serializer.serde)
        self._client = client
        self._keys = keys
        self._serializer = serializer
        self._keep_last = keep_last

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> BaseCheckpointSaver[str]:
        """Keep to the list: what LangGraph derives from a graph's schemas is not what the agent has named."""
        return self

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Count up, with a random end: two forks of a thread must not give two values one version."""
        count = int(str(current).partition(".")[0]) + 1 if current is not None else 1
        return f"{count:032}.{random.random():016}"  # noqa: S311 - not a secret

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Read a checkpoint, the newest where none is named; where its key is not known yet, the secret is asked once."""
        thread_id = str(config["configurable"]["thread_id"])
        first = name_of("c", config["configurable"].get("checkpoint_ns", ""), get_checkpoint_id(config) or "")
        entries = await self._read(thread_id, first)
        if not entries:
            return None
        try:
            found = await asyncio.to_thread(self._tuple, thread_id, entries[0])
        except UnknownKeyError as error:
            if not await self._serializer.renew(error):
                raise
            found = await asyncio.to_thread(self._tuple, thread_id, entries[0])
        witness(found.checkpoint["id"])
        return found

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """List checkpoints from the newest on; of every thread, one thread after the other, where none is named."""
        threads = [str(config["configurable"]["thread_id"])] if config else [one async for one in self.threads()]
        highest = get_checkpoint_id(before) if before else None
        count = 0
        for thread_id in threads:
            for namespace, checkpoint_id in await self._ids(thread_id, config):
                if limit is not None and count >= limit:
                    return
                if highest and checkpoint_id >= highest:
                    continue
                found = await self.aget_tuple(_config(thread_id, namespace, checkpoint_id))
                if found is None or any(found.metadata.get(key) != value for key, value in (filter or {}).items()):
                    continue
                count += 1
                yield found

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint with the channels that are new in it, and now and then prune."""
        configurable = config["configurable"]
        thread_id, namespace = str(configurable["thread_id"]), configurable["checkpoint_ns"]
        described = get_checkpoint_metadata(config, metadata)
        header = {
            "namespace": namespace,
            "parent": configurable.get("checkpoint_id"),
            "root": described.get("parents", {}).get(""),
            "versions": {channel: str(version) for channel, version in checkpoint["channel_versions"].items()},
            "delta": "counters_since_delta_snapshot" in described,
        }
        rest = {"checkpoint": {**checkpoint, "channel_values": {}}, "metadata": described}
        values = checkpoint["channel_values"]
        blobs: list[Record] = [
            ("add", name_of("b", namespace, channel, version), {}, values[channel])
            for channel, version in new_versions.items()
            if channel in values
        ]
        own: Record = ("set", name_of("c", namespace, checkpoint["id"]), header, rest)
        await self._write(thread_id, [*blobs, own])
        if metadata.get("step", 0) % self._keep_last == 0:
            await self.prune_thread(thread_id, doomed_by_count(self._keep_last))
        return _config(thread_id, namespace, checkpoint["id"])

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a step's tasks have written; the special ones, such as an interrupt, replace what was there."""
        configurable, writes = config["configurable"], worth_keeping(writes)
        how = "set" if all(channel in WRITES_IDX_MAP for channel, _ in writes) else "add"
        step = (configurable["checkpoint_ns"], configurable["checkpoint_id"], task_id)
        records: list[Record] = [
            (
                how,
                name_of("w", *step, WRITES_IDX_MAP.get(channel, place)),
                {"channel": channel, "path": task_path},
                value,
            )
            for place, (channel, value) in enumerate(writes)
        ]
        await self._write(str(configurable["thread_id"]), records)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete everything of a thread; its fence stays for a day."""
        await self._run(CLEAR, thread_id, FENCE_STAYS_SECONDS)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Prune threads to their latest checkpoints, or delete them."""
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
            else:
                await self.prune_thread(thread_id, doomed_by_count(1))

    async def prune_thread(self, thread_id: str, is_doomed: Callable[[int, str], bool]) -> int:
        """Drop what is doomed and return how many checkpoints that were."""
        names, headers = await self.headers(thread_id)
        dropped = names_to_drop(names, headers, is_doomed)
        await self._drop(thread_id, dropped)
        return sum(name[:1] == b"c" for name in dropped)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs, wherever they are; channels go when their thread is pruned next, or deleted."""
        runs = {str(run_id) for run_id in run_ids}
        async for thread_id in self.threads():
            every: RunnableConfig = {"configurable": {"thread_id": thread_id}}
            gone = {
                (one.config["configurable"]["checkpoint_ns"], one.checkpoint["id"])
                async for one in self.alist(every)
                if one.metadata.get("run_id") in runs
            }
            names, _ = await self.headers(thread_id)
            await self._drop(
                thread_id, [name for name in names if name[:1] in b"cw" and tuple(parts_of(name)[1:3]) in gone]
            )

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, each value opened and sealed anew for the other one."""
        names, _ = await self.headers(source_thread_id)
        data = self._keys.of(source_thread_id)[2]
        for name in names:
            value = await self._client.call(partial(_value_of, data, name))
            if value is None:
                continue
            header, sealed = decoded(value)
            with sealing(source_thread_id):
                opened = self.serde.loads_typed((header.pop("form"), sealed))
            await self._write(target_thread_id, [("add", name, header, opened)])

    async def threads(self) -> AsyncIterator[str]:
        """Give every thread there is, by looking through the keys: there is no list, which would have to be kept true."""
        found = await self._client.call(_all_of(self._keys.every_index))
        for index in found:
            yield self._keys.thread_of(index)

    async def headers(self, thread_id: str) -> tuple[list[bytes], Headers]:
        """Give all names of a thread, and what is readable of its checkpoints."""
        names, headers = await self._run(HEADERS, thread_id)
        return names, headers_by_checkpoint(names, [json.loads(header) for header in headers])

    async def _ids(self, thread_id: str, config: RunnableConfig | None) -> list[tuple[str, str]]:
        wanted = config["configurable"] if config else {}
        _, headers = await self.headers(thread_id)
        found = [
            key
            for key in headers
            if wanted.get("checkpoint_ns") in (None, key[0]) and wanted.get("checkpoint_id") in (None, "", key[1])
        ]
        return sorted(found, key=lambda key: key[1], reverse=True)

    async def _run(self, script: Script, thread_id: str, *arguments: bytes | str | int) -> Any:
        fence, keys = fence_text(current_fence.get()), self._keys.of(thread_id)
        return await self._client.call(lambda redis: script.run(redis, keys, fence, *arguments))

    async def _read(self, thread_id: str, first: bytes) -> list[Entry]:
        found = await self._run(READ, thread_id, *beginning_with(first), 1)
        return [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in found]

    async def _write(self, thread_id: str, records: Sequence[Record]) -> None:
        def seal() -> list[bytes | str]:
            arguments: list[bytes | str] = []
            with sealing(thread_id):
                for how, name, header, value in records:
                    form, content = self.serde.dumps_typed(value)
                    arguments += [how, name, encoded({**header, "form": form}, content)]
            return arguments

        await self._run(WRITE, thread_id, *await asyncio.to_thread(seal))

    async def _drop(self, thread_id: str, names: Sequence[bytes]) -> None:
        for start in range(0, len(names), CHUNK):
            await self._run(DROP, thread_id, *names[start : start + CHUNK])

    def _tuple(self, thread_id: str, entry: Entry) -> CheckpointTuple:
        """Build LangGraph's form. Which versions a checkpoint has is read from what is sealed, not from the header."""
        own, *others = entry
        _, namespace, checkpoint_id = parts_of(own)
        header, sealed = decoded(entry[own])
        with sealing(thread_id):
            rest = self.serde.loads_typed((header["form"], sealed))
            checkpoint: Checkpoint = rest["checkpoint"]
            values = {}
            for channel, version in checkpoint["channel_versions"].items():
                name = name_of("b", namespace, channel, version)
                if name in entry:
                    values[channel] = self._value(entry[name])
            writes = self._writes((name, entry[name]) for name in others if name[:1] == b"w")
        parent = header["parent"]
        return CheckpointTuple(
            config=_config(thread_id, namespace, checkpoint_id),
            checkpoint={**checkpoint, "channel_values": values},
            metadata=rest["metadata"],
            parent_config=_config(thread_id, namespace, parent) if parent else None,
            pending_writes=writes,
        )

    def _writes(self, records: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str, Any]]:
        found = []
        for name, value in records:
            _, _, _, task_id, place = parts_of(name)
            header, sealed = decoded(value)
            order = writes_sort_key(header["path"], task_id, int(place))
            found.append((order, (task_id, header["channel"], self.serde.loads_typed((header["form"], sealed)))))
        return [write for _, write in sorted(found, key=lambda pair: pair[0])]

    def _value(self, value: bytes) -> Any:
        header, sealed = decoded(value)
        return self.serde.loads_typed((header["form"], sealed))


def _config(thread_id: str, namespace: str, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}}


async def _value_of(data: str, name: bytes, redis: Any) -> bytes | None:
    value: bytes | None = await redis.hget(data, name)
    return value


def _all_of(pattern: str) -> Callable[[Any], Any]:
    async def scan(redis: Any) -> list[bytes]:
        return [key async for key in redis.scan_iter(match=pattern, count=1000)]

    return scan
