"""Ending a job: its status and all that depends on it in one transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.jobs.kinds import Kinds, kind_of
from chassis.jobs.tables import AGENT_RUN, Job, JobStatus
from chassis.ports.identity import Principal


async def finish(
    session: AsyncSession,
    kinds: Kinds,
    job_id: UUID,
    status: JobStatus,
    *,
    result: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> Job:
    """Set the final status, in the caller's transaction, which holds the job's lock."""
    job = await session.get_one(Job, job_id)
    job.status, job.result, job.error = status, result, error
    job.worker_id, job.lease_expires_at = None, None
    job.ended_at = func.now()
    record(session, Principal.from_json(job.caller), action_of(job, "finished"), resource_of(job), status=status)
    await session.flush()
    await kind_of(kinds, job).ended(session, job)
    return job


def action_of(job: Job, verb: str) -> str:
    """Name what happened to a job, as the audit log knows it."""
    return f"{'run' if job.kind == AGENT_RUN else 'job'}.{verb}"


def resource_of(job: Job) -> str:
    """Name a job in the audit log."""
    return f"run/{job.job_id}" if job.kind == AGENT_RUN else f"job/{job.kind}/{job.job_id}"
