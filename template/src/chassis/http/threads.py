"""Threads: created, read, listed, changed, deleted; their state from the projection the workers keep."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter
from sqlalchemy import Select, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.record import record
from chassis.http.access import can
from chassis.http.dependencies import CallerDependency, SessionDependency
from chassis.http.schemas import ThreadCreate, ThreadOut, ThreadSearch, ThreadStateOut, ThreadUpdate
from chassis.identity.roles import RUNS_READ, RUNS_WRITE
from chassis.jobs.tables import ACTIVE
from chassis.ports.errors import ConflictError, NotFoundError
from chassis.ports.identity import Principal
from chassis.runs.accept import new_thread
from chassis.runs.forget import forget_later
from chassis.runs.tables import Run, Thread

router = APIRouter(prefix="/threads", tags=["threads"])


def visible_threads(caller: Principal) -> Select[Thread]:
    """Select what the caller may see: its own threads within its tenant."""
    return select(Thread).where(Thread.tenant_id == caller.tenant_id, Thread.owner_id == caller.subject)


async def require_thread(session: AsyncSession, caller: Principal, thread_id: UUID, *, lock: bool = False) -> Thread:
    """Return the thread; raise `NotFoundError` when there is none that the caller may see."""
    statement = visible_threads(caller).where(Thread.thread_id == thread_id)
    thread = await session.scalar(statement.with_for_update() if lock else statement)
    if thread is None:
        message = f"There is no thread {thread_id}, or you may not see it."
        raise NotFoundError(message)
    return thread


def thread_out(thread: Thread) -> ThreadOut:
    """Give the protocol's shape."""
    return ThreadOut.model_validate(
        {
            "thread_id": thread.thread_id,
            "created_at": thread.created_at,
            "updated_at": thread.updated_at,
            "metadata": thread.thread_metadata,
            "status": thread.status,
            "values": thread.state_values,
            "interrupts": thread.interrupts,
        }
    )


@router.post("", dependencies=[can(RUNS_WRITE)])
async def create_thread(body: ThreadCreate, caller: CallerDependency, session: SessionDependency) -> ThreadOut:
    """Create a thread."""
    thread_id = body.thread_id or uuid4()
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(thread_id)})
    taken = await session.get(Thread, thread_id)
    if taken is None:
        thread = new_thread(caller, thread_id, body.metadata)
        session.add(thread)
        record(session, caller, "thread.created", f"thread/{thread_id}")
        await session.flush()
        await session.refresh(thread)
        return thread_out(thread)
    owned = (taken.tenant_id, taken.owner_id) == (caller.tenant_id, caller.subject)
    if owned and body.if_exists == "do_nothing":
        return thread_out(taken)
    message = f"The id {thread_id} is taken; choose another, or leave it out."
    raise ConflictError(message)


@router.post("/search", dependencies=[can(RUNS_READ)])
async def search_threads(body: ThreadSearch, caller: CallerDependency, session: SessionDependency) -> list[ThreadOut]:
    """List the caller's threads."""
    statement = visible_threads(caller).where(Thread.thread_metadata.contains(body.metadata))
    if body.status:
        statement = statement.where(Thread.status == body.status)
    ordered = statement.order_by(Thread.created_at.desc(), Thread.thread_id)
    return [thread_out(thread) for thread in await session.scalars(ordered.limit(body.limit).offset(body.offset))]


@router.get("/{thread_id}", dependencies=[can(RUNS_READ)])
async def get_thread(thread_id: UUID, caller: CallerDependency, session: SessionDependency) -> ThreadOut:
    """Read a thread."""
    return thread_out(await require_thread(session, caller, thread_id))


@router.patch("/{thread_id}", dependencies=[can(RUNS_WRITE)])
async def update_thread(
    thread_id: UUID, body: ThreadUpdate, caller: CallerDependency, session: SessionDependency
) -> ThreadOut:
    """Change a thread's metadata."""
    thread = await require_thread(session, caller, thread_id, lock=True)
    thread.thread_metadata = thread.thread_metadata | body.metadata
    record(session, caller, "thread.updated", f"thread/{thread_id}", keys=sorted(body.metadata))
    await session.flush()
    await session.refresh(thread)
    return thread_out(thread)


@router.delete("/{thread_id}", status_code=204, dependencies=[can(RUNS_WRITE)])
async def delete_thread(thread_id: UUID, caller: CallerDependency, session: SessionDependency) -> None:
    """Delete a thread with its runs, events and receipts, and by a job its checkpoints; a busy one is refused."""
    thread = await require_thread(session, caller, thread_id, lock=True)
    if await session.scalar(select(exists().where(Run.thread_id == thread_id, Run.status.in_(ACTIVE)))):
        message = "A run is active on this thread; wait for it to end."
        raise ConflictError(message)
    record(session, caller, "thread.deleted", f"thread/{thread_id}")
    await session.delete(thread)
    await forget_later(session, caller, thread_id)


@router.get("/{thread_id}/state", dependencies=[can(RUNS_READ, sensitive=True)])
async def get_state(
    thread_id: UUID, caller: CallerDependency, session: SessionDependency, subgraphs: bool = False
) -> ThreadStateOut:
    """Read the state after the latest step; subgraphs are not expanded."""
    del subgraphs  # the SDK always sends it
    thread = await require_thread(session, caller, thread_id)
    waiting: list[Any] = [interrupt for interrupts in thread.interrupts.values() for interrupt in interrupts]
    checkpoint = {"thread_id": str(thread_id), "checkpoint_ns": "", "checkpoint_id": thread.checkpoint_id}
    return ThreadStateOut(
        values=thread.state_values or {},
        next=thread.next_nodes,
        checkpoint=checkpoint,
        metadata=thread.checkpoint_metadata,
        created_at=thread.state_at,
        tasks=thread.tasks,
        interrupts=waiting,
    )
