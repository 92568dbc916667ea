"""Finding jobs by what is known of them; the API and the command line narrow in the same way."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.tables import Job, JobStatus, jobs
from chassis.ports.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are meant; an absent field does not narrow. `older_than` counts from when a job was accepted."""

    statuses: Sequence[JobStatus] = ()
    kind: str | None = None
    thread_id: UUID | None = None
    tenant_id: str | None = None
    owner_id: str | None = None
    older_than: dt.timedelta | None = None

    @property
    def narrows(self) -> bool:
        """Whether any field is given."""
        return self != JobFilter()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give the filter as SQL conditions."""
        conditions: list[ColumnElement[bool]] = []
        if self.statuses:
            conditions.append(Job.status.in_(self.statuses))
        if self.kind is not None:
            conditions.append(Job.kind == self.kind)
        if self.thread_id is not None:
            conditions.append(jobs.c.thread_id == self.thread_id)
        if self.tenant_id is not None:
            conditions.append(Job.tenant_id == self.tenant_id)
        if self.owner_id is not None:
            conditions.append(Job.owner_id == self.owner_id)
        if self.older_than is not None:
            conditions.append(Job.created_at < func.now() - self.older_than)
        return conditions


def newest_first(narrowed: JobFilter, *conditions: ColumnElement[bool]) -> Select[Job]:
    """Select jobs, the newest first."""
    return select(Job).where(*narrowed.conditions(), *conditions).order_by(Job.sequence.desc())


async def find(session: AsyncSession, job_id: UUID, narrowed: JobFilter, *, lock: bool = False) -> Job:
    """Return one of the jobs that are meant; raise `NotFoundError` when it is none of them."""
    statement = newest_first(narrowed, Job.job_id == job_id)
    job = await session.scalar(statement.with_for_update() if lock else statement)
    if job is None:
        message = f"There is no job {job_id}, or you may not see it."
        raise NotFoundError(message)
    return job


def thread_of(job: Job) -> UUID | None:
    """Give the thread of an agent's run; other kinds of jobs have none."""
    thread_id: UUID | None = getattr(job, "thread_id", None)
    return thread_id
