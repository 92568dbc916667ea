"""Runs that were accepted: listed, read, waited for, followed."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from sqlalchemy import select
from starlette.responses import StreamingResponse

from chassis.http.access import can
from chassis.http.cancellation import cancelling
from chassis.http.dependencies import CallerDependency, ContainerDependency, FeedDependency, SessionDependency
from chassis.http.schemas import RunOut
from chassis.http.streaming import stream_response, wait_response
from chassis.http.threads import require_thread
from chassis.identity.roles import RUNS_READ, RUNS_WRITE
from chassis.ports.errors import ForbiddenError, InvalidRequestError, NotFoundError
from chassis.ports.identity import Principal
from chassis.runs.tables import Run

router = APIRouter(tags=["runs"])
MAX_SEQUENCE = 2**63 - 1
PROTOCOL_STATUS = {"cancelled": "interrupted", "dead": "error"}
"""What the LangGraph Server API has no word for."""

LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="resume after this event")]
StreamModes = Annotated[list[str] | None, Query(description="narrow the stream to these of the recorded modes")]


def run_out(run: Run) -> RunOut:
    """Give the protocol's shape."""
    return RunOut.model_validate(
        {
            "run_id": run.run_id,
            "thread_id": run.thread_id,
            "assistant_id": run.assistant_id,
            "created_at": run.created_at,
            "updated_at": run.updated_at,
            "status": PROTOCOL_STATUS.get(run.status, run.status),
            "metadata": run.run_metadata,
            "kwargs": run.payload,
            "multitask_strategy": run.multitask_strategy,
        }
    )


async def require_run(session: SessionDependency, caller: Principal, thread_id: UUID, run_id: UUID) -> Run:
    """Return the run; raise `NotFoundError` when there is none that the caller may see."""
    await require_thread(session, caller, thread_id)
    run = await session.scalar(select(Run).where(Run.run_id == run_id, Run.thread_id == thread_id))
    if run is None:
        message = f"There is no run {run_id} on this thread."
        raise NotFoundError(message)
    return run


@router.get("/threads/{thread_id}/runs", dependencies=[can(RUNS_READ)])
async def list_runs(
    thread_id: UUID,
    caller: CallerDependency,
    session: SessionDependency,
    limit: Annotated[int, Query(ge=1, le=1000)] = 10,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    status: str | None = None,
) -> list[RunOut]:
    """List a thread's runs, newest first."""
    await require_thread(session, caller, thread_id)
    statement = select(Run).where(Run.thread_id == thread_id).order_by(Run.sequence.desc())
    if status is not None:
        statement = statement.where(Run.status == status)
    return [run_out(run) for run in await session.scalars(statement.limit(limit).offset(offset))]


@router.get("/threads/{thread_id}/runs/{run_id}", dependencies=[can(RUNS_READ)])
async def get_run(thread_id: UUID, run_id: UUID, caller: CallerDependency, session: SessionDependency) -> RunOut:
    """Read a run."""
    return run_out(await require_run(session, caller, thread_id, run_id))


@router.get("/threads/{thread_id}/runs/{run_id}/join", dependencies=[can(RUNS_READ)], response_model=dict[str, Any])
async def join_run(
    thread_id: UUID,
    run_id: UUID,
    caller: CallerDependency,
    container: ContainerDependency,
    feed: FeedDependency,
) -> StreamingResponse:
    """Answer with the thread's values when the run has ended."""
    async with container.sessions.begin() as session:
        run = await require_run(session, caller, thread_id, run_id)
    return wait_response(container, feed, run)


@router.get(
    "/threads/{thread_id}/runs/{run_id}/stream", dependencies=[can(RUNS_READ)], response_class=StreamingResponse
)
async def join_stream(
    thread_id: UUID,
    run_id: UUID,
    caller: CallerDependency,
    container: ContainerDependency,
    feed: FeedDependency,
    last_event_id: LastEventId = None,
    stream_mode: StreamModes = None,
    cancel_on_disconnect: bool = False,
) -> StreamingResponse:
    """Stream a run from its beginning, or from after `Last-Event-ID`; any replica can serve it."""
    after = last_event_id or "0"
    if not (after.isascii() and after.isdigit() and int(after) <= MAX_SEQUENCE):
        message = "Last-Event-ID must be the id of an event of this stream."
        raise InvalidRequestError(message)
    if cancel_on_disconnect and not container.roles.allow(caller, RUNS_WRITE):
        message = f"cancel_on_disconnect needs the permission '{RUNS_WRITE}', which none of your roles grants."
        raise ForbiddenError(message)
    async with container.sessions.begin() as session:
        run = await require_run(session, caller, thread_id, run_id)
    leaving = cancelling(container, caller, run_id) if cancel_on_disconnect else None
    modes = ["messages" if mode == "messages-tuple" else mode for mode in stream_mode or () if mode]
    return stream_response(feed, run, int(after), modes, when_left=leaving)
