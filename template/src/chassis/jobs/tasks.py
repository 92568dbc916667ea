"""Background tasks: your own kinds of jobs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import json
from chassis.db.engine import Sessions
from chassis.jobs.attempt import DrainedError, Ending
from chassis.jobs.keeper import Hold
from chassis.jobs.lease import Lease, fenced
from chassis.jobs.tables import Job
from chassis.ports.errors import ChassisError
from chassis.ports.identity import Principal


@dataclass
class TaskContext:
    """What a task is given.

    payload: what it was accepted with.
    progress: what an earlier attempt reported last, to go on from; None in the beginning.
    """

    payload: dict[str, Any]
    progress: dict[str, Any] | None
    _lease: Lease = field(repr=False)
    _sessions: Sessions = field(repr=False)
    _draining: bool = field(default=False, repr=False)

    @property
    def principal(self) -> Principal:
        """For whom the task is done, with the roles of the moment it was accepted."""
        return self._lease.caller

    @property
    def job_id(self) -> UUID:
        """The job itself; with the number of a step it is an idempotency key for what the step does elsewhere."""
        return self._lease.job_id

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction for reading, refused when the job has been taken over."""
        async with fenced(self._sessions, self._lease) as session:
            yield session

    @asynccontextmanager
    async def step(self, progress: dict[str, Any]) -> AsyncIterator[AsyncSession]:
        """Open the transaction of a step: what it changes and that it is done commit together, or neither does.

        `progress` says how far the task will then have come, for whoever looks and for the next attempt. When the worker
        stops, the task ends here and goes on elsewhere.
        """
        async with fenced(self._sessions, self._lease, exclusive=True) as session:
            yield session
            plain = json.loads(json.dump_bytes(progress))
            await session.execute(update(Job).where(Job.job_id == self.job_id).values(progress=plain))
        self.progress = plain
        if self._draining:
            raise DrainedError


Task = Callable[[TaskContext], Awaitable[dict[str, Any] | None]]
"""A task: what it returns is the job's result. Raise `RetryLaterError` when what it needs is out of order."""


class TaskExecution:
    """One attempt at one task; see `chassis.jobs.attempt.Execution`."""

    def __init__(self, task: Task, sessions: Sessions, hold: Hold) -> None:
        """Begin nothing yet."""
        lease = hold.lease
        self._task = task
        self._context = TaskContext(lease.payload, lease.progress, lease, sessions)

    async def run(self) -> Ending:
        """Do the task."""
        result = await self._task(self._context)
        return Ending(result=None if result is None else json.loads(json.dump_bytes(result)))

    def drain(self) -> None:
        """Let the next step be the last one here."""
        self._context._draining = True  # noqa: SLF001 - the two are one thing, of which tasks see a part

    async def settle(self) -> None:
        """Nothing of a task is under way besides itself."""

    async def write_last(self, session: AsyncSession) -> None:
        """All was written with its steps."""

    def describe(self, error: Exception) -> dict[str, Any]:
        """Say what a caller may know: our own errors in their words, of others the kind and where to look."""
        if isinstance(error, ChassisError):
            return {"error": type(error).__name__, "message": error.detail}
        message = "The task failed in an unforeseen way; the worker's log has the details under this job's id."
        return {"error": type(error).__name__, "message": message}
