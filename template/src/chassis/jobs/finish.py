"""Ending a job: its status, its audit event and all that depends on it in one statement."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Executable, bindparam, func, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from chassis.audit.record import RECORD, recorded
from chassis.jobs.kinds import Kinds, kind_of
from chassis.jobs.tables import AGENT_RUN, Job, JobStatus, jobs
from chassis.ports.identity import Principal

CHANGED = ("status", "result", "error", "worker_id", "lease_expires_at", "ended_at", "updated_at")


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
    along, more = kind_of(kinds, job).ending(job, status, error) or (None, {})
    event = recorded(
        session, Principal.from_json(job.caller), action_of(job, "finished"), resource_of(job), status=status
    )
    values = {"job": job_id, "status": status, "result": result, "error": error, **event, **more}
    for name, value in (await session.execute(_finishing(along), values)).mappings().one().items():
        set_committed_value(job, name, value)
    return job


@cache
def _finishing(along: CTE | None) -> Executable:
    """Build the statement, once; it returns what it has changed."""
    statement = (
        update(jobs)
        .where(jobs.c.run_id == bindparam("job"))
        .values(
            status=bindparam("status"),
            result=bindparam("result", type_=JSONB(none_as_null=True)),
            error=bindparam("error", type_=JSONB(none_as_null=True)),
            worker_id=None,
            lease_expires_at=None,
            ended_at=func.now(),
        )
        .returning(*(jobs.c[name] for name in CHANGED))
        .add_cte(RECORD.cte("recorded"))
    )
    return statement if along is None else statement.add_cte(along)


def action_of(job: Job, verb: str) -> str:
    """Name what happened to a job, as the audit log knows it."""
    return f"{'run' if job.kind == AGENT_RUN else 'job'}.{verb}"


def resource_of(job: Job) -> str:
    """Name a job in the audit log."""
    return f"run/{job.job_id}" if job.kind == AGENT_RUN else f"job/{job.kind}/{job.job_id}"
