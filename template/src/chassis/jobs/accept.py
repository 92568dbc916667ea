"""Accepting a job: the job, its audit event and its outbox entry in one transaction. An accepted job cannot vanish."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.jobs.finish import action_of, resource_of
from chassis.jobs.tables import Job, OutboxEntry
from chassis.ports.identity import Principal

ACCEPTED = "accepted_jobs"
TRACE_CONTEXT = "trace_context"


async def enqueue(
    session: AsyncSession,
    principal: Principal,
    kind: str,
    payload: dict[str, Any],
    *,
    priority: int = 0,
    time_limit_seconds: float | None = None,
) -> Job:
    """Have a background task done for the principal, if the caller's transaction commits.

    kind: the task's name in `AgentSpec.tasks`.
    payload: what it is given; JSON types, without secrets.
    priority: higher ones are claimed first; 0 is that of the agent's runs.
    time_limit_seconds: ended as `timeout` so long after it was first begun; None is as long as it takes.
    """
    job = Job(
        job_id=uuid4(),
        kind=kind,
        payload=payload,
        priority=priority,
        time_limit_seconds=time_limit_seconds,
        caller=principal.to_json(),
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )
    await insert(session, principal, job)
    return job


async def insert(session: AsyncSession, principal: Principal, job: Job, **details: Any) -> None:
    """Insert any kind of job with what belongs to it; once the transaction has committed, it can be announced."""
    session.add(job)
    await session.flush()
    record(session, principal, action_of(job, "accepted"), resource_of(job), **details)
    await announce_later(session, job)


async def announce_later(session: AsyncSession, job: Job) -> None:
    """Write into the outbox that the queue has to be told, which happens after the commit, if need be by the sweeper."""
    session.add(
        OutboxEntry(
            job_id=job.job_id,
            caller=job.caller,
            trace_context=session.info.get(TRACE_CONTEXT, {}),
            tenant_id=job.tenant_id,
            owner_id=job.owner_id,
        )
    )
    await session.flush()
    session.info.setdefault(ACCEPTED, []).append(job.job_id)


def accepted_in(session: AsyncSession) -> list[UUID]:
    """Give the jobs that were accepted in this session, to announce them after its commit."""
    return list(session.info.pop(ACCEPTED, ()))
