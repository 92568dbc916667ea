"""Ending a run: its status, its last events and the thread's status in one transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.ports.identity import Principal
from chassis.runs.tables import ACTIVE, Run, RunStatus, Thread, ThreadStatus

THREAD_STATUS: dict[RunStatus, ThreadStatus] = {
    "success": "idle",
    "interrupted": "interrupted",
    "error": "error",
    "timeout": "error",
}


async def finish(
    session: AsyncSession,
    *,
    run_id: UUID,
    thread_id: UUID,
    caller: Principal,
    status: RunStatus,
    error: dict[str, Any] | None = None,
) -> None:
    """Set the run's final status; the thread stays busy while further runs wait on it."""
    await session.execute(
        update(Run)
        .where(Run.run_id == run_id)
        .values(status=status, error=error, worker_id=None, lease_expires_at=None)
    )
    more = await session.scalar(
        select(exists().where(Run.thread_id == thread_id, Run.status.in_(ACTIVE), Run.run_id != run_id))
    )
    await session.execute(
        update(Thread).where(Thread.thread_id == thread_id).values(status="busy" if more else THREAD_STATUS[status])
    )
    record(session, caller, "run.finished", f"run/{run_id}", status=status)
