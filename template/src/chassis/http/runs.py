"""Runs: accepted, and streamed or waited for at once. Interactive and background are the same path."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from chassis.container import Container
from chassis.http.access import can
from chassis.http.assistants import require_assistant
from chassis.http.cancellation import cancelling
from chassis.http.dependencies import CallerDependency, ContainerDependency, feed_of, transaction
from chassis.http.followed import WhenLeft
from chassis.http.idempotency import IdempotencyDependency
from chassis.http.run_reads import run_out
from chassis.http.schemas import RunCreate, RunOut
from chassis.http.streaming import run_headers, stream_response, wait_response
from chassis.identity.roles import RUNS_WRITE
from chassis.jobs.idempotency import Idempotency
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.tables import Run

router = APIRouter(tags=["runs"])
STREAMED = ("values",)


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
        create_thread=body.if_not_exists == "create",
        time_limit_seconds=container.settings.runs.time_limit_seconds,
    )
    async with transaction(request) as session:
        earlier = await idempotency.earlier(session, caller)
        if earlier is not None:
            return await session.get_one(Run, earlier)
        run = await accept(session, container.kinds, caller, thread_id, run_request)
        await idempotency.remember(session, caller, run.run_id)
        return run


def waiting(
    container: Container, request: Request, caller: Principal, run: Run, body: RunCreate, idempotency: Idempotency
) -> StreamingResponse:
    """Answer with the values when the run has ended."""
    left = when_left(container, caller, run, body)
    answer = wait_response(container, feed_of(request), run, new=not idempotency.replayed, when_left=left)
    answer.headers.update(idempotency.headers)
    return answer


def streaming(
    container: Container, request: Request, caller: Principal, run: Run, body: RunCreate, idempotency: Idempotency
) -> StreamingResponse:
    """Answer with the run's events as they are written."""
    answer = stream_response(feed_of(request), run, when_left=when_left(container, caller, run, body))
    answer.headers.update(idempotency.headers)
    return answer


def when_left(container: Container, caller: Principal, run: Run, body: RunCreate) -> WhenLeft | None:
    """Give what is done when the client goes away before the end."""
    return cancelling(container, caller, run.run_id) if body.on_disconnect == "cancel" else None


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
    return waiting(container, request, caller, run, body, idempotency)


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
    return waiting(container, request, caller, run, body, idempotency)


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
    return streaming(container, request, caller, run, body, idempotency)


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
    return streaming(container, request, caller, run, body, idempotency)
