"""How much work there is, for whoever decides how many workers there should be."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.tables import Job


@dataclass(frozen=True, slots=True)
class Depth:
    """Jobs of every tenant, as the database has them.

    queued: could be claimed now, but for the order on their thread.
    delayed: are tried again after a pause.
    running: are held by a worker.
    oldest_seconds: since when the one that has been due longest is due; 0 when nothing is queued.
    """

    queued: int
    delayed: int
    running: int
    oldest_seconds: float


async def depth(session: AsyncSession) -> Depth:
    """Count."""
    pending = Job.status == "pending"
    due = and_(pending, Job.due_at <= func.now())
    waited = func.extract("epoch", func.now() - func.min(Job.due_at).filter(due))
    statement = select(
        func.count().filter(due),
        func.count().filter(pending, Job.due_at > func.now()),
        func.count().filter(Job.status == "running"),
        func.coalesce(waited, 0),
    ).where(Job.status.in_(("pending", "running")))
    queued, delayed, running, oldest = (await session.execute(statement)).one()
    return Depth(queued, delayed, running, float(oldest))
