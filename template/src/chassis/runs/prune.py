"""Taking away what streams showed of runs that ended long ago. How they ended stays."""

import datetime as dt

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.tables import ACTIVE
from chassis.runs.events import END, ERROR
from chassis.runs.tables import Run, RunEvent

BATCH = 100


async def prune_logs(session: AsyncSession, keep_days: float) -> int:
    """Shorten the logs of up to 100 runs that ended before; say of how many."""
    ended_at = func.coalesce(Run.ended_at, Run.updated_at)  # rows older than the first have the second only
    shows_something = select(RunEvent.run_id).where(RunEvent.run_id == Run.job_id, RunEvent.event.not_in((END, ERROR)))
    old = (
        select(Run.job_id)
        .where(
            Run.status.not_in(ACTIVE), ended_at < func.now() - dt.timedelta(days=keep_days), shows_something.exists()
        )
        .order_by(Run.sequence)
        .limit(BATCH)
    )
    runs = (await session.scalars(old)).all()
    if runs:
        await session.execute(delete(RunEvent).where(RunEvent.run_id.in_(runs), RunEvent.event.not_in((END, ERROR))))
    return len(runs)
