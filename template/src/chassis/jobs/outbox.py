"""Telling the queue about accepted jobs: right after the commit, and again by the sweeper when nobody came.

An entry is settled by the claim of its job, not by the broker's word: only the claim proves that somebody heard.
"""

import datetime as dt
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db.engine import Sessions
from chassis.jobs.tables import Job, OutboxEntry, outbox
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.telemetry.metrics import PUBLISH_FAILURES
from chassis.telemetry.spans import publishing
from chassis.telemetry.tracing import current_carrier

log = structlog.get_logger()

STALE_AFTER = dt.timedelta(seconds=2)
BATCH = 100

TRACE_CONTEXT = "trace_context"
"""In a session's `info`, the trace that its jobs belong to."""
COLUMNS = ("run_id", "caller", "trace_context", "tenant_id", "owner_id")
ANNOUNCE = insert(outbox).values({name: bindparam(f"entry_{name}") for name in COLUMNS})
"""Notes that the queue has to be told of a job, which happens after the commit, if need be by the sweeper."""


def announced(session: AsyncSession, job: Job) -> dict[str, Any]:
    """Give the values of `ANNOUNCE`."""
    trace_context = session.info.get(TRACE_CONTEXT) or current_carrier()
    values = (job.job_id, job.caller, trace_context, job.tenant_id, job.owner_id)
    return {f"entry_{name}": value for name, value in zip(COLUMNS, values, strict=True)}


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
