"""Runs: accepted, waited for, streamed, joined. Interactive and background are the same path."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy import select
from starlette.responses import StreamingResponse

from chassis.container import Container
from chassis.http.access import can
from chassis.http.assistants import require_assistant
from chassis.http.cancellation import cancelling
from chassis.http.dependencies import (
    CallerDependency,
    ContainerDependency,
    FeedDependency,
    SessionDependency,
    feed_of,
    transaction,
)
from chassis.http.followed import WhenLeft
from chassis.http.idempotency import IdempotencyDependency
from chassis.http.schemas import RunCreate, RunOut
from chassis.http.streaming import run_headers, stream_response, wait_response
from chassis.http.threads import require_thread
from chassis.identity.roles import RUNS_READ, RUNS_WRITE
from chassis.jobs.idempotency import Idempotency
from chassis.ports.errors import ForbiddenError, InvalidRequestError, NotFoundError
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.tables import Run

router = APIRouter(tags=["runs"])
MAX_SEQUENCE = 2**63 - 1
STREAMED = ("values",)
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


async def accept_run(
    container: Container,
    caller: Principal,
    thread_id: UUID | None,
    body: RunCreate,
    request: Request,
    idempotency: Idempotency,
    default_modes: Sequence[str] = (),
) -> Run:
    """Commit the run, then announce it; a request that is sent again gets the run it was accepted as."""
    body.require_supported()
    require_assistant(container.agent, body.assistant_id)
    run_request = RunRequest(
        assistant_id=container.agent.assistant_id,
        kwargs={
            "input": body.input,
            "command": body.command,
            "config": body.config,
            "stream_mode": body.stream_modes or list(default_modes),
        },
        metadata=body.metadata,
        multitask_strategy=body.strategy,
        create_thread=thread_id is None or body.if_not_exists == "create",
        time_limit_seconds=container.settings.runs.time_limit_seconds,
    )
    async with transaction(request) as session:
        earlier = await idempotency.earlier(session, caller)
        if earlier is not None:
            return await session.get_one(Run, earlier)
        run = await accept(session, container.kinds, caller, thread_id or uuid4(), run_request)
        await idempotency.remember(session, caller, run.run_id)
        return run


def when_left(container: Container, caller: Principal, run: Run, body: RunCreate) -> WhenLeft | None:
    """Give what is done when the client goes away before the end."""
    return cancelling(container, caller, run.run_id) if body.on_disconnect == "cancel" else None


async def require_run(session: SessionDependency, caller: Principal, thread_id: UUID, run_id: UUID) -> Run:
    """Return the run; raise `NotFoundError` when there is none that the caller may see."""
    await require_thread(session, caller, thread_id)
    run = await session.scalar(select(Run).where(Run.run_id == run_id, Run.thread_id == thread_id))
    if run is None:
        message = f"There is no run {run_id} on this thread."
        raise NotFoundError(message)
    return run


@router.post("/threads/{thread_id}/runs", dependencies=[can(RUNS_WRITE)])
async def create_run(
    thread_id: UUID,
    body: RunCreate,
    request: Request,
    response: Response,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> RunOut:
    """Accept a run in the background; come back for it, or join it."""
    run = await accept_run(container, caller, thread_id, body, request, idempotency)
    response.headers.update(run_headers(run, "join") | idempotency.headers)
    return run_out(run)


@router.post("/runs", dependencies=[can(RUNS_WRITE)])
async def create_stateless_run(
    body: RunCreate,
    request: Request,
    response: Response,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> RunOut:
    """Accept a run in the background on a thread of its own."""
    run = await accept_run(container, caller, None, body, request, idempotency)
    response.headers.update(run_headers(run, "join") | idempotency.headers)
    return run_out(run)


@router.post("/threads/{thread_id}/runs/wait", dependencies=[can(RUNS_WRITE)], response_model=dict[str, Any])
async def wait_for_run(
    thread_id: UUID,
    body: RunCreate,
    request: Request,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> StreamingResponse:
    """Accept a run and answer with the thread's values when it has ended."""
    run = await accept_run(container, caller, thread_id, body, request, idempotency)
    answer = wait_response(container, feed_of(request), run, when_left=when_left(container, caller, run, body))
    answer.headers.update(idempotency.headers)
    return answer


@router.post("/runs/wait", dependencies=[can(RUNS_WRITE)], response_model=dict[str, Any])
async def wait_for_stateless_run(
    body: RunCreate,
    request: Request,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> StreamingResponse:
    """Accept a run on a thread of its own and answer with the values when it has ended."""
    run = await accept_run(container, caller, None, body, request, idempotency)
    answer = wait_response(container, feed_of(request), run, when_left=when_left(container, caller, run, body))
    answer.headers.update(idempotency.headers)
    return answer


@router.post("/threads/{thread_id}/runs/stream", dependencies=[can(RUNS_WRITE)], response_class=StreamingResponse)
async def stream_run(
    thread_id: UUID,
    body: RunCreate,
    request: Request,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> StreamingResponse:
    """Accept a run and stream it (text/event-stream)."""
    run = await accept_run(container, caller, thread_id, body, request, idempotency, STREAMED)
    answer = stream_response(feed_of(request), run, when_left=when_left(container, caller, run, body))
    answer.headers.update(idempotency.headers)
    return answer


@router.post("/runs/stream", dependencies=[can(RUNS_WRITE)], response_class=StreamingResponse)
async def stream_stateless_run(
    body: RunCreate,
    request: Request,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> StreamingResponse:
    """Accept a run on a thread of its own and stream it (text/event-stream)."""
    run = await accept_run(container, caller, None, body, request, idempotency, STREAMED)
    answer = stream_response(feed_of(request), run, when_left=when_left(container, caller, run, body))
    answer.headers.update(idempotency.headers)
    return answer


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
    async with container.sessions() as session:
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
    async with container.sessions() as session:
        run = await require_run(session, caller, thread_id, run_id)
    leaving = cancelling(container, caller, run_id) if cancel_on_disconnect else None
    modes = ["messages" if mode == "messages-tuple" else mode for mode in stream_mode or () if mode]
    return stream_response(feed, run, int(after), modes, when_left=leaving)
