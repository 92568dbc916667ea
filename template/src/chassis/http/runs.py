"""Runs: accepted, and streamed or waited for at once. Interactive and background are the same path."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from chassis.http.acceptance import AcceptanceDependency
from chassis.http.access import can
from chassis.http.schemas import RunOut
from chassis.identity.roles import RUNS_WRITE

router = APIRouter(tags=["runs"])
STREAMED = ("values",)


@router.post("/threads/{thread_id}/runs", dependencies=[can(RUNS_WRITE)])
async def create_run(thread_id: UUID, acceptance: AcceptanceDependency, response: Response) -> RunOut:
    """Accept a run in the background; come back for it, or join it."""
    return acceptance.at_once(await acceptance.accept(thread_id), response)


@router.post("/runs", dependencies=[can(RUNS_WRITE)])
async def create_stateless_run(acceptance: AcceptanceDependency, response: Response) -> RunOut:
    """Accept a run in the background on a thread of its own."""
    return acceptance.at_once(await acceptance.accept(None), response)


@router.post("/threads/{thread_id}/runs/wait", dependencies=[can(RUNS_WRITE)], response_model=dict[str, Any])
async def wait_for_run(thread_id: UUID, acceptance: AcceptanceDependency) -> StreamingResponse:
    """Accept a run and answer with the thread's values when it has ended."""
    return acceptance.when_ended(await acceptance.accept(thread_id))


@router.post("/runs/wait", dependencies=[can(RUNS_WRITE)], response_model=dict[str, Any])
async def wait_for_stateless_run(acceptance: AcceptanceDependency) -> StreamingResponse:
    """Accept a run on a thread of its own and answer with the values when it has ended."""
    return acceptance.when_ended(await acceptance.accept(None))


@router.post("/threads/{thread_id}/runs/stream", dependencies=[can(RUNS_WRITE)], response_class=StreamingResponse)
async def stream_run(thread_id: UUID, acceptance: AcceptanceDependency) -> StreamingResponse:
    """Accept a run and stream it (text/event-stream)."""
    return acceptance.streamed(await acceptance.accept(thread_id, STREAMED))


@router.post("/runs/stream", dependencies=[can(RUNS_WRITE)], response_class=StreamingResponse)
async def stream_stateless_run(acceptance: AcceptanceDependency) -> StreamingResponse:
    """Accept a run on a thread of its own and stream it (text/event-stream)."""
    return acceptance.streamed(await acceptance.accept(None, STREAMED))
