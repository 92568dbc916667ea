"""Beginning an ended job again, where it had got to."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.jobs.changes import note_accepted
from chassis.jobs.finish import action_of, resource_of
from chassis.jobs.kinds import Kinds, kind_of
from chassis.jobs.outbox import ANNOUNCE, announced
from chassis.jobs.tables import REDRIVABLE, Job
from chassis.ports.errors import ConflictError
from chassis.ports.identity import Principal


class NotRedrivableError(ConflictError):
    """Only what has failed, was cancelled, ran out of time, or is dead can be redriven."""


async def redrive(session: AsyncSession, kinds: Kinds, principal: Principal, job: Job) -> None:
    """Make a job whose row the caller has locked pending again, with all its attempts before it; audited."""
    require_redrivable(job)
    record(session, principal, action_of(job, "redriven"), resource_of(job), status=job.status, attempt=job.attempt)
    await kind_of(kinds, job).renewed(session, job)
    job.status, job.attempt, job.error = "pending", 0, None
    job.cancel_requested_at, job.started_at, job.ended_at = None, None, None
    job.due_at = func.now()
    await session.flush()
    await session.execute(ANNOUNCE, announced(session, job))
    note_accepted(session, job)


def require_redrivable(job: Job) -> None:
    """Raise `NotRedrivableError` unless the job's status allows it."""
    if job.status not in REDRIVABLE:
        message = f"{resource_of(job)} is {job.status}; {NotRedrivableError.__doc__}"
        raise NotRedrivableError(message)
