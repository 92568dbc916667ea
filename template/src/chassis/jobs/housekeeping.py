"""What has to be done now and then, by one of the workers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db.engine import Sessions
from chassis.jobs.transient import is_transient

log = structlog.get_logger()

LOCK_KEY = 0x484F5553  # "HOUS"; any constant that nothing else in this database locks
EVERY_SECONDS = 60.0

Chore = Callable[[AsyncSession], Awaitable[int]]
"""Does a bounded piece of work, and says how much it was; after some it is called again at once."""


async def keep_house(sessions: Sessions, chores: Mapping[str, Chore], seconds: float = EVERY_SECONDS) -> None:
    """Do every chore every so many seconds, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        for name, chore in chores.items():
            try:
                await _do(sessions, name, chore)
            except Exception as error:
                if is_transient(error):
                    log.warning("housekeeping.failed", chore=name, error=type(error).__name__)
                else:
                    log.exception("housekeeping.failed", chore=name)


async def _do(sessions: Sessions, name: str, chore: Chore) -> None:
    total = 0
    while done := await _once(sessions, chore):
        total += done
    if total:
        log.info("housekeeping.done", chore=name, count=total)


async def _once(sessions: Sessions, chore: Chore) -> int:
    """Do a piece in a transaction of its own, unless another worker is at it."""
    async with sessions.begin() as session:
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK_KEY))):
            return 0
        return await chore(session)
