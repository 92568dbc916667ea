"""Ten thousand open event streams of one API process, and one event for each: how late it comes, and what they cost.

Runs in a generated project: one API process, and this one, which opens the streams and writes the events as workers do.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvloop
from sqlalchemy import insert

from chassis.dev.environment import development_environment
from chassis.dev.services import free_port
from chassis.jobs.tables import AGENT_RUN, Job
from chassis.ports.identity import Principal
from chassis.runs.events import APPEND_NEXT, told_next
from chassis.runs.tables import Thread
from chassis.settings_loader import load_settings
from chassis.wiring import load_agent, open_container

STREAMS = 10_000
AT_ONCE = 100
WRITERS = 4
CALLER = Principal("bench", "ada", ("admin",))
AUTHORIZATION = "Authorization: Bearer dev:bench:ada:admin"
FILES = STREAMS + 1_000
PATIENCE_SECONDS = 30.0


class Stream:
    """One open stream, and when its event came."""

    def __init__(self, run_id: UUID, thread_id: UUID) -> None:
        self.run_id, self.thread_id = run_id, thread_id
        self.written_at = 0.0
        self.came_at: float | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, port: int) -> asyncio.StreamReader:
        """Ask for the stream and wait for its headers."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=2**14)
        path = f"/threads/{self.thread_id}/runs/{self.run_id}/stream"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{AUTHORIZATION}\r\n\r\n".encode())
        headers = await reader.readuntil(b"\r\n\r\n")
        assert headers.startswith(b"HTTP/1.1 200"), headers
        return reader

    async def wait(self, reader: asyncio.StreamReader) -> None:
        """Note when the event comes."""
        await reader.readuntil(b"event: custom")
        self.came_at = time.perf_counter()

    def close(self) -> None:
        """Go away."""
        if self._writer is not None:
            self._writer.close()


async def begun(container: Any) -> list[Stream]:
    """Make runs that are going on, in one statement each for all of them."""
    streams = [Stream(uuid4(), uuid4()) for _ in range(STREAMS)]
    owner = {"tenant_id": CALLER.tenant_id, "owner_id": CALLER.subject}
    run = {
        **owner,
        "kind": AGENT_RUN,
        "assistant_id": container.agent.assistant_id,
        "kwargs": {},
        "caller": CALLER.to_json(),
        "multitask_strategy": "enqueue",
        "status": "running",
    }
    async with container.sessions.begin() as session:
        await session.execute(
            insert(Thread.__table__), [{**owner, "thread_id": stream.thread_id, "status": "busy"} for stream in streams]
        )
        await session.execute(
            insert(Job.__table__),
            [{**run, "run_id": stream.run_id, "thread_id": stream.thread_id} for stream in streams],
        )
    return streams


async def opened(streams: Sequence[Stream], port: int) -> list[asyncio.Task[None]]:
    """Open them all, so many at once."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(stream: Stream) -> asyncio.Task[None]:
        async with slots:
            reader = await stream.open(port)
            return asyncio.create_task(stream.wait(reader))

    return list(await asyncio.gather(*(one(stream) for stream in streams)))


async def written(container: Any, streams: Sequence[Stream]) -> None:
    """Write an event for each and notify, as workers do: a transaction for each, several workers at a time."""
    left = iter(streams)

    async def writer() -> None:
        for stream in left:
            async with container.sessions.begin() as session:
                await session.execute(APPEND_NEXT, told_next(stream.run_id, CALLER, ("custom", '{"step":1}')))
            stream.written_at = time.perf_counter()
            await container.live_events.notify(stream.run_id)

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


def megabytes(pid: int) -> float:
    """Give the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def measure(environment: Mapping[str, str], api: int, port: int) -> dict[str, float | int]:
    """Open, write, count."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            try:
                if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                    break
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
    idle = megabytes(api)
    async with open_container(load_settings(environment), agent=load_agent()) as container:
        streams = await begun(container)
        started = time.perf_counter()
        waiting = await opened(streams, port)
        opening = time.perf_counter() - started
        started = time.perf_counter()
        await written(container, streams)
        writing = time.perf_counter() - started
        await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
        most = megabytes(api)
        for stream in streams:
            stream.close()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    late = sorted(stream.came_at - stream.written_at for stream in streams if stream.came_at is not None)
    return {
        "streams: open at once": len(streams),
        "streams: opened per second": round(STREAMS / opening),
        "streams: events written per second": round(STREAMS / writing),
        "streams: events that never came": STREAMS - len(late),
        "streams: event after its commit, ms p50": round(late[len(late) // 2] * 1000, 1),
        "streams: event after its commit, ms p99": round(late[int(len(late) * 0.99)] * 1000, 1),
        "streams: memory of the API idle, MiB": round(idle),
        "streams: memory of the API, MiB": round(most),
    }


def main() -> None:
    """Start the API, measure, print."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, most_files), most_files))
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o755)
        port = free_port()
        given = {**os.environ, "CHASSIS__HTTP__PORT": str(port), "CHASSIS__SERVICE__LOG_LEVEL": "error"}
        with development_environment(Path(directory), given) as environment:
            run = [sys.executable, "-m", "chassis"]
            subprocess.run([*run, "migrate"], env=environment, check=True, capture_output=True)
            api = subprocess.Popen([*run, "serve"], env=environment)
            try:
                figures = uvloop.run(measure(environment, api.pid, port))
            finally:
                api.terminate()
                api.wait()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
