"""What differs between the kinds of jobs, as every process knows it, since also the API and the sweeper end jobs."""

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import CTE
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.tables import Job, JobStatus

Along = tuple[CTE, dict[str, Any]]
"""What is written in the same statement as something else, and its values."""


class JobKind(Protocol):
    """Takes part in the transactions that change a job's status."""

    def ending(self, job: Job, status: JobStatus, error: dict[str, Any] | None) -> Along | None:
        """Give what else changes when a job of this kind ends so."""
        ...

    async def renewed(self, session: AsyncSession, job: Job) -> None:
        """Write what else changes when an ended job begins again; raise `ConflictError` where it must not."""
        ...


Kinds = Mapping[str, JobKind]
"""By the name of the kind."""


class TaskKind:
    """A background task: its row is all there is."""

    def ending(self, job: Job, status: JobStatus, error: dict[str, Any] | None) -> Along | None:
        """Change nothing else."""
        return None

    async def renewed(self, session: AsyncSession, job: Job) -> None:
        """Write nothing else."""


def kind_of(kinds: Kinds, job: Job) -> JobKind:
    """Give the kind of a job; one that this release does not know any more is treated like a task."""
    return kinds.get(job.kind) or TaskKind()
