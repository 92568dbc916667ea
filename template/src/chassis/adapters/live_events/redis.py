"""Live events by PUBLISH: one connection for whoever listens, however many runs are followed.

Plain publishing rather than by shard: a node of a cluster passes it on to all others, so it needs no client that knows the
cluster, at the price of the same small message on each node (redis.io/docs/latest/develop/pubsub).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import structlog

from chassis.adapters._redis_client import StateClient, open_client
from chassis.adapters.checkpointer.redis_settings import StateStoreSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import ChassisError
from chassis.ports.live_events import Grown, LiveEvents

log = structlog.get_logger()

CONNECTIONS = 4
IDLE_SECONDS = 5.0
"""After so long without a message the connection is looked after: redis-py sends a PING when one is due."""

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0


class RedisLiveEvents:
    """Publishes run ids on one channel of the service."""

    def __init__(self, client: StateClient, service: str) -> None:
        """Use `client` to publish; who listens takes a connection of its own from it."""
        self._client = client
        self._channel = f"{service}:run-events"

    async def notify(self, run_id: UUID) -> None:
        """Publish one run id."""
        await self._client.call(lambda redis: redis.publish(self._channel, str(run_id)))

    async def check(self) -> None:
        """Send a PING."""
        await self._client.call(lambda redis: redis.ping())

    @asynccontextmanager
    async def listen(self, grown: Grown) -> AsyncIterator[None]:
        """Listen on the channel; see the port."""
        task = asyncio.create_task(self._listen_forever(grown), name="listen:run-events")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen_forever(self, grown: Grown) -> None:
        """Deliver until cancelled; a lost connection is opened again with growing pauses."""
        pause = FIRST_RETRY_SECONDS

        async def listen(redis: Any) -> None:
            nonlocal pause
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(self._channel)
                while True:
                    message = await pubsub.get_message(timeout=IDLE_SECONDS)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":  # also where redis-py has connected again by itself
                        pause = FIRST_RETRY_SECONDS
                        grown(None)
                    elif message["type"] == "message":
                        grown(UUID(message["data"].decode()))

        while True:
            try:
                await self._client.call(listen)
            except ChassisError as error:
                log.warning("state_store.listen_lost", error=type(error.__cause__).__name__, retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)


@asynccontextmanager
async def open_live_events(settings: StateStoreSettings, context: AdapterContext) -> AsyncIterator[LiveEvents]:
    """Open the pool for publishing and listening."""
    async with open_client(settings, context.secrets, CONNECTIONS) as client:
        yield RedisLiveEvents(client, context.service)
