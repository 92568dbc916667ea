"""Telling the queue about accepted jobs: right after the commit, and again by the sweeper when nobody came.

An entry is settled by the claim of its job, not by the broker's word: only the claim proves that somebody heard.
"""

import datetime as dt
from uuid import UUID

import structlog
from sqlalchemy import func, select

from chassis.db.engine import Sessions
from chassis.jobs.tables import OutboxEntry
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.telemetry.metrics import PUBLISH_FAILURES
from chassis.telemetry.spans import publishing

log = structlog.get_logger()

STALE_AFTER = dt.timedelta(seconds=2)
BATCH = 100


async def announce(queue: RunQueue, job_id: UUID) -> None:
    """Announce one job that was just committed; a broker that is down costs latency, not the job."""
    try:
        with publishing(job_id):
            await queue.publish(job_id)
    except UnavailableError:
        PUBLISH_FAILURES.add(1)
        log.warning("queue.publish_failed", job_id=str(job_id))


async def announce_stale(sessions: Sessions, queue: RunQueue) -> int:
    """Announce what should have been announced a while ago; return how many were."""
    async with sessions.begin() as session:
        entries = await session.scalars(
            select(OutboxEntry)
            .where(OutboxEntry.published_at.is_(None), OutboxEntry.created_at < func.now() - STALE_AFTER)
            .order_by(OutboxEntry.outbox_id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        published = 0
        for entry in entries:
            try:
                with publishing(entry.job_id, entry.trace_context):
                    await queue.publish(entry.job_id)
            except UnavailableError:
                PUBLISH_FAILURES.add(1)
                break
            entry.published_at = await session.scalar(select(func.now()))
            published += 1
    return published
