"""Live events by NOTIFY: one LISTEN connection a process, however many followers."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from chassis.adapters._postgres_listen import listening, notify
from chassis.adapters._postgres_pool import Pool, open_pool
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.ports.live_events import LiveEvents

CHANNEL = "chassis_run_events"
TIMEOUT_SECONDS = 5.0


class PostgresLiveEvents:
    """Hands each notification to the followers of that run in this process."""

    def __init__(self, pool: Pool) -> None:
        """Use `pool` to notify."""
        self._pool = pool
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def notify(self, run_id: UUID) -> None:
        """Notify one run id."""
        try:
            async with self._pool.connection() as connection:
                await notify(connection, CHANNEL, str(run_id))
        except (psycopg.Error, PoolTimeout) as error:
            raise UnavailableError from error

    @asynccontextmanager
    async def subscribe(self, run_id: UUID) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """Register a follower for as long as the context is open."""
        grown = asyncio.Event()
        followers = self._followers[str(run_id)]
        followers.add(grown)

        async def wait(seconds: float) -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(grown.wait(), seconds)
            grown.clear()

        try:
            yield wait
        finally:
            followers.discard(grown)
            if not followers:
                self._followers.pop(str(run_id), None)

    def deliver(self, run_id: str) -> None:
        """Wake the followers of a run."""
        for grown in self._followers.get(run_id, ()):
            grown.set()


@asynccontextmanager
async def open_live_events(context: AdapterContext) -> AsyncIterator[LiveEvents]:
    """Open the pool for notifying and the one connection that listens."""
    database = context.database
    async with open_pool(database, "live-events", min_size=0, max_size=2, wait_seconds=TIMEOUT_SECONDS) as pool:
        live_events = PostgresLiveEvents(pool)
        async with listening(database, CHANNEL, live_events.deliver):
            yield live_events
