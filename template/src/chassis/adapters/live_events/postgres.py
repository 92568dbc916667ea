"""Live events by NOTIFY."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

from chassis.adapters._postgres_listen import ask, listening, notify
from chassis.adapters._postgres_pool import Pool, open_pool
from chassis.adapters.checkpointer.postgres_settings import StateStoreSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.database import Database
from chassis.ports.live_events import Grown, LiveEvents

CHANNEL = "chassis_run_events"
TIMEOUT_SECONDS = 5.0


class PostgresLiveEvents:
    """Notifies run ids on a channel."""

    def __init__(self, database: Database, pool: Pool) -> None:
        """Use `pool` to notify; who listens opens a connection of its own."""
        self._database = database
        self._pool = pool

    async def notify(self, run_id: UUID) -> None:
        """Notify one run id."""
        await notify(self._pool, CHANNEL, str(run_id))

    async def check(self) -> None:
        """Send the smallest statement."""
        await ask(self._pool, "SELECT 1")

    def listen(self, grown: Grown) -> AbstractAsyncContextManager[None]:
        """Listen on the channel; see the port."""
        return listening(
            self._database, CHANNEL, lambda payload: grown(UUID(payload)), on_connected=lambda: grown(None)
        )


@asynccontextmanager
async def open_live_events(_settings: StateStoreSettings, context: AdapterContext) -> AsyncIterator[LiveEvents]:
    """Open the pool for notifying."""
    database = context.database
    async with open_pool(
        database, "live-events", min_size=0, max_size=2, wait_seconds=TIMEOUT_SECONDS, checked=False
    ) as pool:
        yield PostgresLiveEvents(database, pool)
