"""The shapes of the job routes."""

import datetime as dt
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from chassis.http.boundary import Boundary, DataClass, Personal
from chassis.jobs.find import thread_of
from chassis.jobs.tables import Job, JobStatus


class JobQuery(Boundary):
    """How to narrow and page the list."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid")

    status: list[JobStatus] | None = Field(None, description="any of these; can be repeated")
    kind: Annotated[str, StringConstraints(max_length=63, pattern=r"\A[a-z0-9_]+\z")] | None = Field(
        None, description="agent, or the name of a task"
    )
    thread_id: UUID | None = Field(None, description="the agent's runs on this thread")
    limit: int = Field(20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class JobSummary(Boundary):
    """A job, without what it was given and what came of it."""

    data_class: ClassVar[DataClass] = "internal"

    job_id: UUID
    kind: str = Field(description="agent, or the name of a task")
    status: JobStatus
    priority: int
    attempt: int = Field(description="how often it was begun; after runs.max_attempts it is dead")
    owner: Personal[str] = Field(description="for whom it is done")
    thread_id: UUID | None = Field(description="of a run of the agent")
    created_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    cancel_requested_at: dt.datetime | None


class JobOut(JobSummary):
    """A job."""

    payload: Personal[dict[str, Any]] = Field(description="what it was given")
    progress: Personal[dict[str, Any] | None] = Field(description="how far it has come, as it reported last")
    result: Personal[dict[str, Any] | None]
    error: Personal[dict[str, Any] | None] = Field(description="why it failed, or was tried again")


def job_summary(job: Job) -> JobSummary:
    """Give the short shape."""
    return JobSummary.model_validate(_summary(job))


def job_out(job: Job) -> JobOut:
    """Give the whole shape."""
    details = {"payload": job.payload, "progress": job.progress, "result": job.result, "error": job.error}
    return JobOut.model_validate({**_summary(job), **details})


def _summary(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "status": job.status,
        "priority": job.priority,
        "attempt": job.attempt,
        "owner": job.owner_id,
        "thread_id": thread_of(job),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "cancel_requested_at": job.cancel_requested_at,
    }
