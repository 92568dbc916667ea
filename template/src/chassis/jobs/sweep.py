"""Finds the jobs whose worker went silent: they become pending again, or dead after too many attempts."""

import datetime as dt
from collections.abc import Iterable

import structlog
from sqlalchemy import func, select

from chassis.db.engine import Sessions
from chassis.jobs.desk import Desk
from chassis.jobs.finish import finish
from chassis.jobs.outbox import announce_stale
from chassis.jobs.reasons import CANCELLED, exhausted
from chassis.jobs.release import backoff
from chassis.jobs.tables import Job
from chassis.ports.errors import UnavailableError
from chassis.telemetry.metrics import JOBS_DEAD, JOBS_SWEPT, kind_label

log = structlog.get_logger()

BATCH = 100
LONGEST_PAUSE_SECONDS = 2.0
"""A worker that dies is mostly not the job's fault, and somebody waits for it."""


def count_from_nothing(kinds: Iterable[str]) -> None:
    """Say that nothing was swept or given up yet: Prometheus sees no rise in the first number that it hears of a series."""
    for kind in kinds:
        JOBS_DEAD.add(0, {"kind": kind_label(kind)})
        for status in ("pending", "dead"):
            JOBS_SWEPT.add(0, {"kind": kind_label(kind), "status": status})


async def sweep(desk: Desk) -> int:
    """Take over what has expired and announce what was not announced; return how many jobs were swept."""
    swept = await _take_over(desk.sessions, desk)
    for job in swept:
        JOBS_SWEPT.add(1, {"kind": kind_label(job.kind), "status": job.status})
        if job.status == "dead":
            JOBS_DEAD.add(1, {"kind": kind_label(job.kind)})
        log.warning("job.swept", job_id=str(job.job_id), attempt=job.attempt, status=job.status)
        try:
            await desk.queue.publish(job.job_id)
            await desk.live_events.notify(job.job_id)
        except UnavailableError:
            break  # polling finds them
    await announce_stale(desk.sessions, desk.queue)
    return len(swept)


async def _take_over(sessions: Sessions, desk: Desk) -> list[Job]:
    async with sessions.begin() as session:
        expired = await session.scalars(
            select(Job)
            .where(Job.status == "running", Job.lease_expires_at < func.now())
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        swept = list(expired)
        for job in swept:
            if job.cancel_requested_at is not None:
                await finish(session, desk.kinds, job.job_id, "cancelled", error=CANCELLED)
            elif job.attempt >= desk.max_attempts:
                await finish(session, desk.kinds, job.job_id, "dead", error=exhausted(job.attempt, job.error))
            else:
                job.status, job.worker_id, job.lease_expires_at = "pending", None, None
                # At once after the first time, as most workers die of a deployment; a job that kills them, less often.
                pause = min(backoff(job.attempt), LONGEST_PAUSE_SECONDS) if job.attempt > 1 else 0.0
                job.due_at = func.now() + dt.timedelta(seconds=pause)
    return swept
