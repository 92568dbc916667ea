"""What has to be done now and then, as jobs like any other: seen, tried again, and done once however many workers there are."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.schedule import Schedule
from chassis.jobs.tables import AGENT_RUN, Job

if TYPE_CHECKING:
    from chassis.jobs.tasks import Task, TaskContext

EVERY = dt.timedelta(hours=1)
BATCH = 1000

Chore = Callable[[AsyncSession], Awaitable[int]]
"""Does a bounded piece of work, and says how much it was; after some it is called again at once."""


def kind_of_chore(name: str) -> str:
    """Name the kind of a chore's jobs; no task of an agent can have a name with a dot."""
    return f"housekeeping.{name}"


def hourly(name: str) -> Schedule:
    """Do a chore every hour."""
    return Schedule(kind_of_chore(name), every=EVERY)


def doing(chore: Chore) -> "Task":
    """Make the task that does a chore, each piece in a step of its own."""

    async def do(task: "TaskContext") -> dict[str, Any]:
        count, piece = 0, 1
        while piece:
            async with task.step({"count": count}) as session:
                piece = await chore(session)
            count += piece
        return {"count": count}

    return do


async def forget_ended_tasks(session: AsyncSession, keep_days: float) -> int:
    """Delete tasks that ended well, or were cancelled, so long ago, at most 1000 at once; return how many.

    The agent's runs go with their threads. What failed stays, to be looked at and redriven.
    """
    old = (
        select(Job.job_id)
        .where(
            Job.kind != AGENT_RUN,
            Job.status.in_(("success", "cancelled")),
            Job.ended_at < func.now() - dt.timedelta(days=keep_days),
        )
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    statement = delete(Job).where(Job.job_id.in_(old)).returning(Job.job_id)
    found = await session.scalars(statement.execution_options(synchronize_session=False))
    return len(found.all())
