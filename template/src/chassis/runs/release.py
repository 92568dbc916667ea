"""Giving a run back unharmed, when a worker stops at a step's end."""

from sqlalchemy import update

from chassis.db.engine import Sessions
from chassis.runs.lease import Lease, fenced
from chassis.runs.tables import Run


async def release(sessions: Sessions, lease: Lease) -> None:
    """Make the run pending again at once; a drained attempt does not count towards giving up."""
    async with fenced(sessions, lease, exclusive=True) as session:
        await session.execute(
            update(Run)
            .where(Run.run_id == lease.run_id)
            .values(status="pending", attempt=Run.attempt - 1, worker_id=None, lease_expires_at=None)
        )
