"""What else changes when a run of the agent ends, or begins again: its log, and its thread."""

from typing import Any, cast

from sqlalchemy import CTE, Boolean, Text, Uuid, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import json
from chassis.jobs.kinds import Along
from chassis.jobs.tables import ACTIVE, Job, JobStatus
from chassis.ports.errors import ConflictError
from chassis.ports.identity import Principal
from chassis.runs.events import APPEND_NEXT, END, ERROR, told_next
from chassis.runs.question import WENT_ON, went_on
from chassis.runs.tables import Run, RunEvent, Thread, ThreadStatus, threads

THREAD_STATUS: dict[JobStatus, ThreadStatus] = {
    "success": "idle",
    "interrupted": "interrupted",
    "cancelled": "idle",
    "error": "error",
    "timeout": "error",
    "dead": "error",
}


def _ended() -> CTE:
    """Build the statement that ends a run's log and sets its thread's status, while the run's own row is being changed."""
    thread = bindparam("thread", type_=Uuid)
    this = Run.job_id == bindparam("run", type_=Uuid)
    others = exists().where(Run.thread_id == thread, Run.status.in_(ACTIVE), ~this)
    last = (
        select(case((this, bindparam("ended_as", type_=Text)), else_=Run.status))
        .where(Run.thread_id == thread, or_(and_(this, bindparam("went_on", type_=Boolean)), and_(~this, WENT_ON)))
        .order_by(Run.sequence.desc())
        .limit(1)
    )
    status = case((others, "busy"), else_=case(THREAD_STATUS, value=last.scalar_subquery(), else_="idle"))
    told = APPEND_NEXT.columns().cte("told")
    ended = update(threads).where(threads.c.thread_id == thread).values(status=status, updated_at=func.now())
    return ended.add_cte(told).cte("ended")


ENDED = _ended()


class ThreadMovedOnError(ConflictError):
    """Later runs exist on this run's thread, and would be contradicted; start a new run instead."""


class RunKind:
    """The agent's runs."""

    def ending(self, job: Job, status: JobStatus, error: dict[str, Any] | None) -> Along:
        """End the log, and set the thread's status; it stays busy while further runs wait on it."""
        run = cast("Run", job)
        owner = Principal.from_json(run.caller)
        reason = [(ERROR, json.dumps(error))] if error else []
        told = told_next(run.job_id, owner, *reason, (END, "null"))
        return ENDED, {"thread": run.thread_id, "ended_as": status, "went_on": went_on(run, error), **told}

    async def renewed(self, session: AsyncSession, job: Job) -> None:
        """Take the end out of the log, so that it can be followed on; the thread is busy again."""
        run = cast("Run", job)
        # Locked before it is looked at: nothing is accepted on the thread in between.
        await session.execute(select(Thread.thread_id).where(Thread.thread_id == run.thread_id).with_for_update())
        later = exists().where(Run.thread_id == run.thread_id, Run.sequence > run.sequence)
        if await session.scalar(select(later)):
            raise ThreadMovedOnError
        ended = RunEvent.event.in_((END, ERROR))
        await session.execute(delete(RunEvent).where(RunEvent.run_id == run.job_id, ended))
        await session.execute(update(Thread).where(Thread.thread_id == run.thread_id).values(status="busy"))
