"""LangGraph checkpoints in Redis or Valkey. Only workers and the migration step load this module."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from redis.asyncio import RedisCluster
from redis.exceptions import NoPermissionError, ResponseError

from chassis.adapters._checkpoint_ids import id_at, witness
from chassis.adapters._redis_client import StateClient, open_client
from chassis.adapters._redis_layout import ThreadKeys
from chassis.adapters._redis_prune import doomed_by_age, doomed_by_count
from chassis.adapters._redis_saver import FencedRedisSaver
from chassis.adapters.checkpointer.redis_settings import StateStoreSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints, CheckpointsLostError, RenewableSerializer
from chassis.ports.errors import ConfigurationError

SCHEMA = 1
NEEDED = {"appendonly": ("yes",), "appendfsync": ("everysec", "always"), "maxmemory-policy": ("noeviction",)}


class ForgetfulServerError(ConfigurationError):
    """The state store is not configured to keep what it is given; see docs/state-store-redis.md."""


class RedisCheckpoints:
    """The saver, and whether its server may be used."""

    def __init__(
        self, settings: StateStoreSettings, client: StateClient, keys: ThreadKeys, saver: FencedRedisSaver
    ) -> None:
        """Wrap an open saver."""
        self._settings = settings
        self._client = client
        self._keys = keys
        self._saver = saver

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The saver."""
        return self._saver

    async def prepare(self) -> None:
        """Write down in which form the keys are; refuse a server that forgets, or holds a newer form."""
        await self._refuse_forgetful()
        found = await self._schema()
        if found is not None and found > SCHEMA:
            raise ConfigurationError(_newer(found))
        await self._client.call(lambda redis: redis.set(self._keys.schema, SCHEMA))

    async def check(self) -> None:
        """Ask for the form of the keys, and whether the server keeps its data; see the port."""
        found = await self._schema()
        if found is None:
            message = (
                "The state store holds nothing of this service. If it is new, run `python -m chassis migrate`; if not, it has "
                "lost its data: restore it first."
            )
            raise ConfigurationError(message)
        if found > SCHEMA:
            raise ConfigurationError(_newer(found))
        await self._refuse_forgetful()

    async def require(self, thread_id: str, checkpoint_id: str) -> None:
        """Compare with the thread's newest checkpoint; see the port."""
        _, headers = await self._saver.headers(thread_id)
        newest = max((found for namespace, found in headers if not namespace), default="")
        if newest < checkpoint_id:
            raise CheckpointsLostError
        witness(newest)

    async def prune(self, thread_id: str, keep_last: int) -> int:
        """Prune by count; see the port."""
        return await self._saver.prune_thread(thread_id, doomed_by_count(keep_last))

    async def prune_older(self, than: dt.datetime, limit: int) -> int:
        """Prune by age; see the port."""
        pruned = 0
        async for thread_id in self._saver.threads():
            if pruned >= limit:
                break
            pruned += bool(await self._saver.prune_thread(thread_id, doomed_by_age(id_at(than))))
        return pruned

    async def delete(self, thread_id: str) -> None:
        """Delete everything of a thread."""
        await self._saver.adelete_thread(thread_id)

    async def _schema(self) -> int | None:
        found = await self._client.call(lambda redis: redis.get(self._keys.schema))
        return None if found is None else int(found)

    async def _refuse_forgetful(self) -> None:
        if self._settings.persistence != "verified":
            return
        for configured in await self._client.call(_configured):
            wrong = [
                f"{name} is {configured.get(name, 'not known')}, not {' or '.join(wanted)}"
                for name, wanted in NEEDED.items()
                if configured.get(name) not in wanted
            ]
            if wrong:
                message = (
                    f"The state store may forget what it was given: {'; '.join(wrong)}. See docs/state-store-redis.md."
                )
                raise ForgetfulServerError(message)


async def _configured(redis: Any) -> list[dict[str, str]]:
    """Ask each server of the store how it is configured."""
    nodes: list[dict[str, Any]] = [{}]
    if isinstance(redis, RedisCluster):
        nodes = [{"target_nodes": node} for node in (await redis.initialize()).get_primaries()]
    try:
        answers = [await redis.execute_command("CONFIG GET", *NEEDED, **node) for node in nodes]
    except (NoPermissionError, ResponseError) as error:
        message = (
            "The state store does not say how it is configured, as managed ones do not. Make sure that it keeps its data "
            "(docs/state-store-redis.md), then set state_store.persistence to vouched."
        )
        raise ForgetfulServerError(message) from error
    return [{_text(name): _text(value) for name, value in answer.items()} for answer in answers]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _newer(found: int) -> str:
    return f"The state store is in form {found}, which a later release has written; this one knows {SCHEMA}. Run that release."


@asynccontextmanager
async def open_checkpoints(
    settings: StateStoreSettings,
    context: AdapterContext,
    serializer: RenewableSerializer,
    *,
    keep_last: int,
    size: int,
) -> AsyncIterator[Checkpoints]:
    """Open a pool of at most `size` connections."""
    keys = ThreadKeys(context.service)
    async with open_client(settings, context.secrets, size, cluster=settings.cluster) as client:
        yield RedisCheckpoints(settings, client, keys, FencedRedisSaver(client, keys, serializer, keep_last))
