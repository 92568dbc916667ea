"""Jobs, the agent's runs among them: seen, cancelled, redriven; one's own, or with jobs:administer those of the tenant."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from chassis.audit.record import record
from chassis.container import Container
from chassis.http.access import can
from chassis.http.dependencies import CallerDependency, ContainerDependency, SessionDependency, transaction
from chassis.http.job_schemas import JobOut, JobQuery, JobSummary, job_out, job_summary
from chassis.http.pagination import Page, decode_cursor, encode_cursor
from chassis.identity.roles import JOBS_ADMINISTER, JOBS_READ, JOBS_WRITE
from chassis.jobs.cancel import cancel
from chassis.jobs.find import JobFilter, find, newest_first
from chassis.jobs.finish import action_of, resource_of
from chassis.jobs.redrive import redrive
from chassis.jobs.tables import Job
from chassis.ports.identity import Principal

router = APIRouter(prefix="/jobs", tags=["jobs"])


def visible(container: Container, caller: Principal, query: JobQuery | None = None) -> JobFilter:
    """Narrow to what the caller may see, and to what it asks for."""
    everybody = container.roles.allow(caller, JOBS_ADMINISTER)
    return JobFilter(
        statuses=tuple(query.status or ()) if query else (),
        kind=query.kind if query else None,
        thread_id=query.thread_id if query else None,
        tenant_id=caller.tenant_id,
        owner_id=None if everybody else caller.subject,
    )


@router.get("", dependencies=[can(JOBS_READ)])
async def list_jobs(
    query: Annotated[JobQuery, Query()],
    caller: CallerDependency,
    container: ContainerDependency,
    session: SessionDependency,
) -> Page[JobSummary]:
    """List jobs, newest first."""
    statement = newest_first(visible(container, caller, query))
    if query.cursor:
        [before] = decode_cursor(query.cursor, int)
        statement = statement.where(Job.sequence < before)
    rows = list(await session.scalars(statement.limit(query.limit + 1)))
    shown = rows[: query.limit]
    return Page[JobSummary](
        items=[job_summary(job) for job in shown],
        next_cursor=encode_cursor(shown[-1].sequence) if len(rows) > len(shown) else None,
    )


@router.get("/{job_id}", dependencies=[can(JOBS_READ)])
async def get_job(
    job_id: UUID, caller: CallerDependency, container: ContainerDependency, session: SessionDependency
) -> JobOut:
    """Read a job: how far it has come, its result, or why it failed. Reading somebody else's is audited."""
    job = await find(session, job_id, visible(container, caller))
    if job.owner_id != caller.subject:
        record(session, caller, action_of(job, "read"), resource_of(job))
    return job_out(job)


@router.post("/{job_id}/cancel", status_code=202, dependencies=[can(JOBS_WRITE, sensitive=True)])
async def cancel_job(
    job_id: UUID, request: Request, caller: CallerDependency, container: ContainerDependency
) -> JobSummary:
    """Cancel a job; one that has ended stays as it is. A running one ends within seconds; come back for it."""
    async with transaction(request) as session:
        job = await find(session, job_id, visible(container, caller), lock=True)
        await cancel(session, container.kinds, caller, job)
        await session.refresh(job)
    return job_summary(job)


@router.post("/{job_id}/redrive", status_code=202, dependencies=[can(JOBS_WRITE, sensitive=True)])
async def redrive_job(
    job_id: UUID, request: Request, response: Response, caller: CallerDependency, container: ContainerDependency
) -> JobSummary:
    """Begin a job again that has failed, was cancelled, ran out of time or is dead; it goes on where it had got to."""
    async with transaction(request) as session:
        job = await find(session, job_id, visible(container, caller), lock=True)
        await redrive(session, container.kinds, caller, job)
        await session.refresh(job)
    response.headers["Location"] = f"/jobs/{job_id}"
    return job_summary(job)
