"""What else changes when a run of the agent ends, or begins again: its log, and its thread."""

from typing import cast

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import json
from chassis.jobs.tables import ACTIVE, Job, JobStatus
from chassis.ports.errors import ConflictError
from chassis.ports.identity import Principal
from chassis.runs.events import END, ERROR, Event, append, extent
from chassis.runs.question import last_status
from chassis.runs.tables import Run, RunEvent, Thread, ThreadStatus

THREAD_STATUS: dict[JobStatus, ThreadStatus] = {
    "success": "idle",
    "interrupted": "interrupted",
    "cancelled": "idle",
    "error": "error",
    "timeout": "error",
    "dead": "error",
}


class ThreadMovedOnError(ConflictError):
    """Later runs exist on this run's thread, and would be contradicted; start a new run instead."""


class RunKind:
    """The agent's runs."""

    async def ended(self, session: AsyncSession, job: Job) -> None:
        """End the log, and set the thread's status; it stays busy while further runs wait on it."""
        run = cast("Run", job)
        sequence = (await extent(session, run.job_id)).next_sequence
        events = [Event(sequence, ERROR, json.dumps(run.error))] if run.error else []
        events.append(Event(sequence + len(events), END, "null"))
        await append(session, run.job_id, Principal.from_json(run.caller), events)
        others = exists().where(Run.thread_id == run.thread_id, Run.status.in_(ACTIVE), Run.job_id != run.job_id)
        status: ThreadStatus = "busy"
        if not await session.scalar(select(others)):
            last = await last_status(session, run.thread_id)
            status = THREAD_STATUS[last] if last is not None else "idle"
        await session.execute(update(Thread).where(Thread.thread_id == run.thread_id).values(status=status))

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
