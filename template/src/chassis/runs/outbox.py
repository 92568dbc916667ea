"""Telling the queue about accepted runs: right after the commit, and again by the sweeper when nobody came.

An entry is settled by the claim of its run, not by the broker's word: only the claim proves that somebody heard.
"""

import datetime as dt
from uuid import UUID

import structlog
from sqlalchemy import func, select

from chassis.db.engine import Sessions
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.runs.tables import OutboxEntry

log = structlog.get_logger()

STALE_AFTER = dt.timedelta(seconds=2)
BATCH = 100


async def publish(queue: RunQueue, run_id: UUID) -> None:
    """Announce one run that was just committed; a broker that is down costs latency, not the run."""
    try:
        await queue.publish(run_id)
    except UnavailableError:
        log.warning("queue.publish_failed", run_id=str(run_id))


async def publish_stale(sessions: Sessions, queue: RunQueue) -> int:
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
                await queue.publish(entry.run_id)
            except UnavailableError:
                break
            entry.published_at = await session.scalar(select(func.now()))
            published += 1
    return published
