"""Accepting a run: the run, its audit event and its outbox entry in one transaction. An accepted run cannot vanish."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.ports.errors import ConflictError, NotFoundError
from chassis.ports.identity import Principal
from chassis.runs.tables import ACTIVE, OutboxEntry, Run, Thread

MultitaskStrategy = Literal["enqueue", "reject"]


class ThreadBusyError(ConflictError):
    """A run is already active on this thread; wait for it, or use multitask_strategy=enqueue."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a caller wants executed."""

    assistant_id: UUID
    kwargs: dict[str, Any]
    metadata: dict[str, Any]
    multitask_strategy: MultitaskStrategy = "enqueue"
    create_thread: bool = False


async def accept(
    session: AsyncSession,
    principal: Principal,
    thread_id: UUID,
    request: RunRequest,
    trace_context: dict[str, str],
) -> Run:
    """Insert the run, its audit event and its outbox entry; the caller commits and then announces it.

    The thread's row is locked, so that runs of one thread are numbered in the order in which they commit.
    """
    thread = await _lock_thread(session, principal, thread_id)
    if thread is None:
        if not request.create_thread:
            message = f"There is no thread {thread_id}, or you may not see it."
            raise NotFoundError(message)
        thread = new_thread(principal, thread_id, {})
        session.add(thread)
        try:
            await session.flush()
        except IntegrityError as error:  # somebody else's thread has this id
            raise NotFoundError from error
    if request.multitask_strategy == "reject" and await session.scalar(
        select(exists().where(Run.thread_id == thread_id, Run.status.in_(ACTIVE)))
    ):
        raise ThreadBusyError
    owner = {"tenant_id": principal.tenant_id, "owner_id": principal.subject}
    run = Run(
        run_id=uuid4(),
        thread_id=thread_id,
        assistant_id=request.assistant_id,
        status="pending",
        kwargs=request.kwargs,
        run_metadata=request.metadata,
        multitask_strategy=request.multitask_strategy,
        caller=principal.to_json(),
        **owner,
    )
    session.add(run)
    await session.flush()
    session.add(OutboxEntry(run_id=run.run_id, caller=principal.to_json(), trace_context=trace_context, **owner))
    record(session, principal, "run.accepted", f"run/{run.run_id}", thread_id=str(thread_id))
    thread.status = "busy"
    await session.flush()
    return run


def new_thread(principal: Principal, thread_id: UUID, metadata: dict[str, Any]) -> Thread:
    """Make a thread of the principal's."""
    return Thread(
        thread_id=thread_id,
        thread_metadata=metadata,
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )


async def _lock_thread(session: AsyncSession, principal: Principal, thread_id: UUID) -> Thread | None:
    statement = select(Thread).where(
        Thread.thread_id == thread_id, Thread.tenant_id == principal.tenant_id, Thread.owner_id == principal.subject
    )
    return await session.scalar(statement.with_for_update())
