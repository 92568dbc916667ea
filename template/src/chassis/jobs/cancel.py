"""Cancelling a job: at once while nobody executes it, else by its worker, which looks for that every second."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.jobs.changes import note_ended
from chassis.jobs.finish import action_of, finish, resource_of
from chassis.jobs.kinds import Kinds
from chassis.jobs.reasons import CANCELLED
from chassis.jobs.tables import ACTIVE, Job
from chassis.ports.identity import Principal


async def cancel(session: AsyncSession, kinds: Kinds, principal: Principal, job: Job) -> bool:
    """Cancel a job whose row the caller has locked; say whether there was anything left to cancel.

    What a step under way has done by then stays done; of the agent's thread the last finished step is its state.
    """
    if job.status not in ACTIVE:
        return False
    if job.cancel_requested_at is None:
        record(session, principal, action_of(job, "cancelled"), resource_of(job), status=job.status)
    if job.status == "pending":
        await finish(session, kinds, job.job_id, "cancelled", error=CANCELLED)
        note_ended(session, job.job_id)
    else:
        job.cancel_requested_at = func.coalesce(Job.cancel_requested_at, func.now())
        await session.flush()
    return True
