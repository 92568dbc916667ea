"""Finding what attempts at a run did, as `written` has kept it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.runs.tables import RunStep


async def kept_steps(session: AsyncSession, run_id: UUID) -> Sequence[RunStep]:
    """Give what is kept of a run, attempt after attempt."""
    mine = select(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.fence, RunStep.number)
    return (await session.scalars(mine)).all()


async def slowest_steps(session: AsyncSession, name: str, count: int) -> Sequence[RunStep]:
    """Give the slowest time of each run that a step, tool or model of this name took, of so many runs, the slowest first."""
    ended = RunStep.name == name, RunStep.seconds.is_not(None)
    of_each = select(RunStep).ext(distinct_on(RunStep.run_id)).where(*ended)
    of_each = of_each.order_by(RunStep.run_id, RunStep.seconds.desc())
    slowest = aliased(RunStep, of_each.subquery())
    return (await session.scalars(select(slowest).order_by(slowest.seconds.desc()).limit(count))).all()
