"""What a transaction has done to jobs, noted in its session and told to those who wait once it has committed."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.outbox import announce
from chassis.jobs.tables import Job
from chassis.ports.errors import UnavailableError
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue
from chassis.telemetry.metrics import JOBS_ACCEPTED, kind_label

# In a session's `info`, where names that begin with _ are not for the audit log.
ACCEPTED = "_accepted_jobs"
ENDED = "_ended_jobs"


def note_accepted(session: AsyncSession, job: Job) -> None:
    """Note that workers have to hear of this job, and count it."""
    session.info.setdefault(ACCEPTED, []).append(job.job_id)
    JOBS_ACCEPTED.add(1, {"kind": kind_label(job.kind)})


def note_ended(session: AsyncSession, job_id: UUID) -> None:
    """Note that the followers of this job have to hear of its end."""
    session.info.setdefault(ENDED, []).append(job_id)


async def announce_changes(session: AsyncSession, queue: RunQueue, live_events: LiveEvents) -> None:
    """Tell workers and followers what was noted; who cannot be told finds out by looking."""
    for job_id in session.info.pop(ACCEPTED, ()):
        await announce(queue, job_id)
    for job_id in session.info.pop(ENDED, ()):
        with suppress(UnavailableError):
            await live_events.notify(job_id)
