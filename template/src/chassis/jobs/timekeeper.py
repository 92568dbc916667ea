"""Looks at the schedules when one of them is due, in every worker."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from chassis.db.engine import Sessions
from chassis.jobs.schedule import Schedule, introduce, tick
from chassis.jobs.transient import is_transient

log = structlog.get_logger()

LOOK_SECONDS = 60.0
"""At the latest; a schedule that another release shortened is found then."""
LEAST_SECONDS = 0.05


async def keep_time(sessions: Sessions, schedules: Mapping[str, Schedule], wake: Callable[[], None]) -> None:
    """Make the jobs that are due until cancelled, and wake this worker for them."""
    introduced = False
    while schedules:
        pause = LOOK_SECONDS
        try:
            if not introduced:
                await introduce(sessions, schedules)
                introduced = True
            made, due = await tick(sessions, schedules)
        except Exception as error:
            if is_transient(error):
                log.warning("schedule.failed", error=type(error).__name__)
            else:
                log.exception("schedule.failed")  # whatever it was, the next look is due all the same
            pause = 1.0
        else:
            if made:
                wake()
            if due is not None:
                pause = min(max(due.total_seconds(), LEAST_SECONDS), LOOK_SECONDS)
        await asyncio.sleep(pause)
