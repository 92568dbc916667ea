"""Agent state in a Valkey of the test's own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis.asyncio import Redis
from tests.support.relay import Relay

from chassis.adapters._redis_layout import ThreadKeys, decoded, encoded
from chassis.dev.redis import redis_server
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings
from chassis.wiring import prepare_checkpoints


class Server:
    """A Valkey that keeps its data, reached through a relay."""

    def __init__(self, settings: Settings, context: AdapterContext, url: str) -> None:
        self.redis: Any = Redis.from_url(url)
        self.context = context
        self._relay = Relay(url)
        group = settings.state_store.model_copy(update={"url": f"{self._relay.url}/0"})
        self.settings = settings.model_copy(update={"state_store": group})
        self.keys = ThreadKeys(context.service)

    async def raw(self) -> bytes:
        found: list[bytes] = []
        async for key in self.redis.scan_iter():
            kind = await self.redis.type(key)
            if kind == b"hash":
                found += [part for pair in (await self.redis.hgetall(key)).items() for part in pair]
            elif kind == b"zset":
                found += await self.redis.zrange(key, 0, -1)
            else:
                found.append(await self.redis.get(key))
            found.append(key)
        return b"\n".join(found)

    async def count(self, thread_id: str) -> int:
        _, index, data = self.keys.of(thread_id)
        count: int = await self.redis.hlen(data)
        assert count == await self.redis.zcard(index)
        return count

    async def forget(self) -> None:
        await self.redis.flushall()

    async def alter(self, thread_id: str, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
        data = self.keys.of(thread_id)[2]
        for name, value in (await self.redis.hgetall(data)).items():
            if name[:1] == b"b":
                header, sealed = decoded(value)
                header["form"], sealed = change(header["form"], sealed)
                await self.redis.hset(data, name, encoded(header, sealed))

    async def move(self, thread_id: str, to: str) -> None:
        for old, new in zip(self.keys.of(thread_id)[1:], self.keys.of(to)[1:], strict=True):
            await self.redis.rename(old, new)

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self._relay.closed():
            yield

    async def aclose(self) -> None:
        await self.redis.aclose()
        self._relay.close()


@asynccontextmanager
async def open_store(settings: Settings, context: AdapterContext) -> AsyncIterator[Server]:
    with (
        TemporaryDirectory(prefix="chassis-state-") as directory,
        redis_server(Path(directory), persistent=True) as url,
    ):
        server = Server(settings, context, url)
        await prepare_checkpoints(server.settings, context)
        try:
            yield server
        finally:
            await server.aclose()
