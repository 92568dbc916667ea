"""Accepting a run on a thread."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import CTE, Uuid, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.jobs.cancel import cancel
from chassis.jobs.insert import insert
from chassis.jobs.kinds import Kinds
from chassis.jobs.tables import ACTIVE, AGENT_RUN
from chassis.ports.errors import ConflictError, NotFoundError
from chassis.ports.identity import Principal
from chassis.runs.question import QuestionPendingError, passes_over
from chassis.runs.tables import Run, Thread, threads

MultitaskStrategy = Literal["enqueue", "reject", "interrupt"]


def _busy() -> CTE:
    """Build the statement that has a run's thread be there, and busy."""
    thread = upsert(threads).values(
        thread_id=bindparam("thread", type_=Uuid),
        status="busy",
        tenant_id=bindparam("tenant"),
        owner_id=bindparam("owner"),
    )
    changed = {"status": thread.excluded.status, "updated_at": func.now()}
    return thread.on_conflict_do_update(index_elements=[threads.c.thread_id], set_=changed).cte("busy")


BUSY = _busy()


class ThreadBusyError(ConflictError):
    """A run is already active on this thread; wait for it, or use multitask_strategy=enqueue or interrupt."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a caller wants executed; `create_thread`: on a thread that is created where there is none with its id."""

    assistant_id: UUID
    kwargs: dict[str, Any]
    metadata: dict[str, Any]
    multitask_strategy: MultitaskStrategy = "enqueue"
    create_thread: bool = False
    time_limit_seconds: float | None = None


async def accept(
    session: AsyncSession, kinds: Kinds, principal: Principal, thread_id: UUID | None, request: RunRequest
) -> Run:
    """Insert the run with all that belongs to it; the caller commits and then announces it.

    Without `thread_id` it is on a new thread of its own. Else the thread's row is locked, so that runs of one thread are
    numbered in the order in which they commit. Runs that have to make way are locked before it, in the order of their workers,
    who hold their run's lock when they write the thread.
    """
    thread_id, status = await _thread_for(session, kinds, principal, thread_id, request)
    if status == "interrupted" and passes_over(request.kwargs, request.multitask_strategy):
        raise QuestionPendingError
    run = Run(
        job_id=uuid4(),
        kind=AGENT_RUN,
        thread_id=thread_id,
        assistant_id=request.assistant_id,
        payload=request.kwargs,
        run_metadata=request.metadata,
        multitask_strategy=request.multitask_strategy,
        time_limit_seconds=request.time_limit_seconds,
        caller=principal.to_json(),
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )
    busy = {"thread": thread_id, "tenant": principal.tenant_id, "owner": principal.subject}
    await insert(session, principal, run, along=(BUSY, busy), thread_id=str(thread_id))
    return run


def new_thread(principal: Principal, thread_id: UUID, metadata: dict[str, Any]) -> Thread:
    """Make a thread of the principal's."""
    return Thread(
        thread_id=thread_id,
        thread_metadata=metadata,
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )


async def _thread_for(
    session: AsyncSession, kinds: Kinds, principal: Principal, thread_id: UUID | None, request: RunRequest
) -> tuple[UUID, str]:
    """Give the thread, locked where there is one, with nothing on it that the run is not to come after, and its status before."""
    if thread_id is None:
        return uuid4(), "idle"
    if request.multitask_strategy == "interrupt":
        await _lock_active(session, principal, thread_id)
    status = await _lock_thread(session, principal, thread_id)
    if status is None:
        await _create_thread(session, principal, thread_id, request)
        return thread_id, "idle"
    await _make_way(session, kinds, principal, thread_id, request.multitask_strategy)
    return thread_id, status


async def _create_thread(session: AsyncSession, principal: Principal, thread_id: UUID, request: RunRequest) -> None:
    if not request.create_thread:
        message = f"There is no thread {thread_id}, or you may not see it."
        raise NotFoundError(message)
    session.add(new_thread(principal, thread_id, {}))
    try:
        await session.flush()
    except IntegrityError as error:  # somebody else's thread has this id
        raise NotFoundError from error


async def _make_way(
    session: AsyncSession, kinds: Kinds, principal: Principal, thread_id: UUID, strategy: MultitaskStrategy
) -> None:
    active = select(Run).where(Run.thread_id == thread_id, Run.status.in_(ACTIVE))
    if strategy == "reject" and await session.scalar(select(exists(active))):
        raise ThreadBusyError
    if strategy == "interrupt":
        # What was accepted in between is not waited for: whoever has locked it is about to cancel it, too.
        for run in await session.scalars(active.order_by(Run.sequence).with_for_update(skip_locked=True)):
            await cancel(session, kinds, principal, run)


async def _lock_active(session: AsyncSession, principal: Principal, thread_id: UUID) -> None:
    own = (Run.tenant_id == principal.tenant_id, Run.owner_id == principal.subject)
    active = select(Run.run_id).where(Run.thread_id == thread_id, Run.status.in_(ACTIVE), *own)
    await session.execute(active.order_by(Run.sequence).with_for_update())


async def _lock_thread(session: AsyncSession, principal: Principal, thread_id: UUID) -> str | None:
    statement = select(Thread.status).where(
        Thread.thread_id == thread_id, Thread.tenant_id == principal.tenant_id, Thread.owner_id == principal.subject
    )
    return await session.scalar(statement.with_for_update())
