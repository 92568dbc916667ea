"""How much of the log the sink has not confirmed yet, and what that means for whoever wants to add to it.

Nothing is ever dropped. Instead, when the bound is reached, what would have consequences is refused, until the sink is back.
"""

import time
from collections.abc import Callable

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.tables import seals, shipments, unsealed
from chassis.db.engine import Sessions, single_statement
from chassis.ports.errors import UnavailableError

log = structlog.get_logger()

ALERT_SHARE = 0.8
LOOK_SECONDS = 2.0


class AuditSpoolFullError(UnavailableError):
    """The audit log has more events than may wait for its collector, so nothing of consequence is done; try again later."""


class AuditSpool:
    """Looks at the backlog every now and then, when somebody asks."""

    def __init__(self, sessions: Sessions, sink: str, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Bound what has not been shipped to `sink` to about `limit` events."""
        self._sessions = sessions
        self._sink = sink
        self._limit = limit
        self._clock = clock
        self._looked_at = float("-inf")
        self._waiting = 0

    def look_again(self) -> None:
        """Let the next question be answered by the database."""
        self._looked_at = float("-inf")

    async def check(self) -> None:
        """Look now, and raise `AuditSpoolFullError` when the bound is reached."""
        self.look_again()
        await self.require_room()

    async def require_room(self) -> None:
        """Raise `AuditSpoolFullError` when the bound is reached; log an alert from 80 % of it on."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            async with single_statement(self._sessions) as session:
                self._waiting = await waiting(session, self._sink, self._limit)
            if self._waiting >= ALERT_SHARE * self._limit:
                log.error("audit.spool_filling", waiting=self._waiting, limit=self._limit)
        if self._waiting >= self._limit:
            raise AuditSpoolFullError


async def waiting(session: AsyncSession, sink: str, limit: int) -> int:
    """Count the events that were committed and that the sink has not confirmed; beyond `limit` it does not matter how many."""
    some = select(unsealed.c.event_id).limit(limit).subquery()
    sealed = select(func.coalesce(func.max(seals.c.sequence), 0)).scalar_subquery()
    shipped = select(shipments.c.sequence).where(shipments.c.sink == sink).scalar_subquery()
    statement = select(select(func.count()).select_from(some).scalar_subquery() + sealed - func.coalesce(shipped, 0))
    return await session.scalar(statement) or 0
