"""Turning a run's log into a response: server-sent events, or the final answer."""

from collections.abc import AsyncIterator, Collection
from uuid import UUID

from sqlalchemy import select
from starlette.responses import StreamingResponse

from chassis.container import Container
from chassis.db import json
from chassis.db.engine import single_statement
from chassis.http.followed import FollowedResponse, WhenLeft
from chassis.runs.feed import EventFeed, follow
from chassis.runs.tables import Run, Thread

HEARTBEAT = b": still here\n\n"
ALWAYS = frozenset({"metadata", "error", "end"})


def run_headers(run: Run, suffix: str) -> dict[str, str]:
    """Tell the SDK which run this is (Content-Location) and where to reconnect (Location)."""
    path = f"/threads/{run.thread_id}/runs/{run.run_id}"
    return {
        "Content-Location": path,
        "Location": f"{path}/{suffix}",
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }


def stream_response(
    feed: EventFeed, run: Run, after: int = 0, modes: Collection[str] = (), *, when_left: WhenLeft | None = None
) -> StreamingResponse:
    """Stream a run's events as they are written, from `after` on; `modes` narrows what was recorded."""
    events = _server_sent_events(feed, run.run_id, after, frozenset(modes))
    headers = run_headers(run, "stream")
    return FollowedResponse(events, media_type="text/event-stream", headers=headers, when_left=when_left)


def wait_response(
    container: Container, feed: EventFeed, run: Run, *, new: bool = False, when_left: WhenLeft | None = None
) -> StreamingResponse:
    """Answer with the thread's values once the run has ended; white space in between keeps proxies patient."""
    body = _final_values(container, feed, run.run_id, run.thread_id, new=new)
    headers = run_headers(run, "join")
    return FollowedResponse(body, media_type="application/json", headers=headers, when_left=when_left)


async def _server_sent_events(feed: EventFeed, run_id: UUID, after: int, modes: frozenset[str]) -> AsyncIterator[bytes]:
    async for event in follow(feed, run_id, after):
        if event is None:
            yield HEARTBEAT
        elif not modes or event.event in ALWAYS or _mode_of(event.event) in modes:
            yield f"id: {event.sequence}\nevent: {event.event}\ndata: {event.payload}\n\n".encode()


async def _final_values(
    container: Container, feed: EventFeed, run_id: UUID, thread_id: UUID, *, new: bool
) -> AsyncIterator[bytes]:
    error: str | None = None
    async for event in follow(feed, run_id, new=new):
        if event is None:
            yield b"\n"
        elif event.event == "error":
            error = event.payload
    if error is not None:
        yield json.dump_bytes({"__error__": json.loads(error)})
        return
    async with single_statement(container.sessions) as session:
        final = select(Thread.state_values, Thread.interrupts).where(Thread.thread_id == thread_id)
        values, waiting = (await session.execute(final)).one()
        interrupts = [interrupt for asked in waiting.values() for interrupt in asked]
        yield json.dump_bytes((values or {}) | ({"__interrupt__": interrupts} if interrupts else {}))


def _mode_of(event: str) -> str:
    return event.partition("/")[0]
