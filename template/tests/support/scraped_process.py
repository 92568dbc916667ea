"""Processes of a service as Prometheus meets them: their management ports are known."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.support.worker_process import ended

from chassis.dev.services import free_port


@dataclass(frozen=True)
class Scraped:
    """A process that is ready: a client of its management port, and its API's port where it has one."""

    management: httpx.AsyncClient
    port: int
    process: subprocess.Popen[bytes]


async def start(
    stack: AsyncExitStack, environment: Mapping[str, str], log: Path, *command: str, management: int | None = None
) -> Scraped:
    """Run a process until the context ends, on a management port that is free unless one is given."""
    own, port = management or free_port(), free_port()
    given = {**environment, "CHASSIS__MANAGEMENT__PORT": str(own), "CHASSIS__HTTP__PORT": str(port)}
    output = stack.enter_context(log.open("ab"))
    process = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, *command], env=given, stdout=output, stderr=output
    )
    stack.enter_context(ended(process))
    # A connection each: uvicorn closes one that was idle for 5 s, perhaps at the moment in which it is used again.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{own}", timeout=30, limits=limits)
    )
    async with asyncio.timeout(90):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return Scraped(client, port, process)
            except httpx.TransportError:
                pass
            assert process.poll() is None, f"it has ended; {log} says why"
            await asyncio.sleep(0.05)
