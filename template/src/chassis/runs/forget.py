"""A deleted thread's checkpoints go too, wherever they are: by a job, since the API has no state store."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.insert import insert
from chassis.jobs.tables import Job
from chassis.ports.identity import Principal

if TYPE_CHECKING:
    from chassis.jobs.tasks import Task, TaskContext

FORGET_THREAD = "thread.forget"
"""The kind of these jobs; no task of an agent can have a name with a dot."""


async def forget_later(session: AsyncSession, principal: Principal, thread_id: UUID) -> None:
    """Have the thread's checkpoints deleted, if the caller's transaction, which deletes the thread, commits."""
    job = Job(
        job_id=uuid4(),
        kind=FORGET_THREAD,
        payload={"thread_id": str(thread_id)},
        caller=principal.to_json(),
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )
    await insert(session, principal, job, thread_id=str(thread_id))


def forgetting(delete: Callable[[str], Awaitable[None]]) -> "Task":
    """Make the task that does it with `Checkpoints.delete`."""

    async def forget(task: "TaskContext") -> None:
        await delete(task.payload["thread_id"])

    return forget
