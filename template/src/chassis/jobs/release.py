"""Giving a job back: unharmed when a worker stops, or to be tried again later when what it needs is out of order."""

import datetime as dt
import random
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.lease import Lease
from chassis.jobs.tables import Job

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


async def release(session: AsyncSession, lease: Lease) -> None:
    """Make the job pending again at once; a drained attempt does not count towards giving up."""
    await _pending(session, lease, attempt=Job.attempt - 1, due_at=func.now())


async def retry_later(session: AsyncSession, lease: Lease, error: dict[str, Any]) -> float:
    """Make the job pending again after a pause, which is returned in seconds; `error` says why until it has ended."""
    pause = backoff(lease.attempt)
    await _pending(session, lease, error=error, due_at=func.now() + dt.timedelta(seconds=pause))
    return pause


def backoff(attempt: int) -> float:
    """Give the pause after the attempt with this number, in seconds: doubled each time, and spread over its upper half.

    Spread, so that jobs that failed together do not come back together.
    """
    longest: float = min(FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 16), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - not for cryptography


async def _pending(session: AsyncSession, lease: Lease, **values: Any) -> None:
    await session.execute(
        update(Job)
        .where(Job.job_id == lease.job_id)
        .values(status="pending", worker_id=None, lease_expires_at=None, **values)
    )
