"""No broker: workers are woken by NOTIFY in the service's own database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from chassis.adapters._postgres_listen import listening, notify
from chassis.adapters._postgres_pool import Pool, open_pool
from chassis.adapters.queue.database_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.database import Database
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue

CHANNEL = "chassis_runs"
TIMEOUT_SECONDS = 2.0


class DatabaseQueue:
    """Publishes run ids on a Postgres channel."""

    def __init__(self, database: Database, pool: Pool) -> None:
        """Use `pool` to publish; each listener opens a connection of its own."""
        self._database = database
        self._pool = pool

    async def publish(self, run_id: UUID) -> None:
        """Notify one run id."""
        await notify(self._pool, CHANNEL, str(run_id))

    def listen(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Wake for every run announced, by whatever process."""
        return listening(self._database, CHANNEL, lambda _payload: wake())

    async def depth(self) -> int | None:
        """There is no broker, and nothing waits in a channel."""
        return None

    async def check(self) -> None:
        """Ask the database for a sign of life."""
        try:
            async with self._pool.connection() as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout) as error:
            raise UnavailableError from error


@asynccontextmanager
async def open_queue(_settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue with a small pool of its own."""
    database = context.database
    async with open_pool(
        database, "queue", min_size=0, max_size=2, wait_seconds=TIMEOUT_SECONDS, checked=False
    ) as pool:
        yield DatabaseQueue(database, pool)
