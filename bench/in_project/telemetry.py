"""What telemetry costs: the ticket list and a run of five steps, recorded and not recorded, and with a backend that hangs.

Runs in a generated project: for each way to record an API process, a worker process and a database of its own; a process that takes
spans and throws them away; and this client. Not recorded means that no backend is named: metrics and logs are there all the same.
"""

import asyncio
import dataclasses
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvloop
from connection import TENANT, Connection

from agent import AGENT
from agent.seed import seed
from chassis.api import Principal
from chassis.commands.work import work
from chassis.dev.environment import development_environment
from chassis.dev.services import free_port
from chassis.settings_loader import load_settings
from chassis.wiring import load_agent, open_container
from tests.support.isolation import isolated_environment

ROUNDS = 9
REQUESTS = 200
CLIENTS = 4
ALONE = 600
RUNS = 50
STEPS = 5
RUN = json.dumps({"assistant_id": "agent", "input": {"log": [], "delay": 0.0}}).encode()


@dataclasses.dataclass
class Service:
    """An API and a worker, and what was measured of them."""

    port: int
    api: int
    worker: int
    rates: list[float] = dataclasses.field(default_factory=list)
    processor: list[float] = dataclasses.field(default_factory=list)


def seconds_of(*pids: int) -> float:
    """Give the processor time that processes have taken."""
    # Documentation/scheduler/sched-stats.rst of Linux: first the nanoseconds on a processor; one file a thread.
    threads = [path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(path.read_text(encoding="ascii").split()[0]) for path in threads) / 1e9


async def listing(connection: Connection) -> None:
    """Ask for the ticket list once."""
    assert b'"reference"' in await connection.ask("GET", "/tickets")


async def running(connection: Connection) -> None:
    """Have a run of five steps, and wait for its end."""
    answer = json.loads(await connection.ask("POST", "/runs/wait", RUN))
    assert len(answer["log"]) == STEPS, answer


async def in_turn(
    services: Sequence[Service], ask: Callable[[Connection], Coroutine[Any, Any, None]], count: int
) -> list[list[float]]:
    """Give for each service the seconds of requests that come one after the other: one here, one there, so that noise hits all."""
    found: list[list[float]] = [[] for _ in services]
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(service.port)) for service in services]
        for number in range(count):
            for offset in range(len(services)):
                which = (number + offset) % len(services)
                started = time.perf_counter()
                await ask(connections[which])
                found[which].append(time.perf_counter() - started)
    return found


async def at_full_speed(service: Service) -> None:
    """Ask for the list as fast as it goes."""

    async def one() -> None:
        async with Connection(service.port) as connection:
            for _ in range(REQUESTS // CLIENTS):
                await listing(connection)

    before, started = seconds_of(service.api), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CLIENTS)))
    service.rates.append(REQUESTS / (time.perf_counter() - started))
    service.processor.append((seconds_of(service.api) - before) / REQUESTS)


async def measure(services: Sequence[Service]) -> dict[str, float]:
    """Measure alternately, so that a slow moment of the machine hits all; the first round warms up."""
    for number in range(ROUNDS + 1):
        for offset in range(len(services)):  # each is the first as often
            await at_full_speed(services[(number + offset) % len(services)])
    off, on, hanging = services
    alone = [statistics.median(one) for one in await in_turn(services, listing, ALONE)]
    before = [seconds_of(service.api, service.worker) for service in services]
    runs = [statistics.median(one) for one in await in_turn(services, running, RUNS)]
    after = [seconds_of(service.api, service.worker) for service in services]
    run_processor = [(later - earlier) / RUNS for earlier, later in zip(before, after, strict=True)]

    def ratio(one: list[float], other: list[float]) -> float:
        return round(statistics.median(a / b for a, b in zip(one[1:], other[1:], strict=True)), 3)

    def median(values: list[float]) -> float:
        return statistics.median(values[1:])

    return {
        "telemetry: ticket list, not recorded, requests/s": round(median(off.rates), 1),
        "telemetry: ticket list, recorded, requests/s": round(median(on.rates), 1),
        "telemetry: ticket list, ratio (>= 0.6)": ratio(on.rates, off.rates),
        "telemetry: ticket list, ratio by the API's processor time": ratio(off.processor, on.processor),
        "telemetry: a request, not recorded, processor µs": round(median(off.processor) * 1e6),
        "telemetry: a request, recorded, more processor µs": round(
            (median(on.processor) - median(off.processor)) * 1e6
        ),
        "telemetry: a request alone, not recorded, p50 ms": round(alone[0] * 1e3, 2),
        "telemetry: a request alone, recorded against not, p50 ratio": round(alone[1] / alone[0], 3),
        "telemetry: hanging backend against none, p50 ratio (<= 1.1)": round(alone[2] / alone[0], 3),
        "telemetry: hanging backend against one that answers, p50 ratio": round(alone[2] / alone[1], 3),
        "telemetry: hanging backend against none, requests/s ratio": ratio(hanging.rates, off.rates),
        "telemetry: a run of 5 steps, not recorded, p50 ms": round(runs[0] * 1e3, 1),
        "telemetry: a run of 5 steps, recorded, more ms": round((runs[1] - runs[0]) * 1e3, 1),
        "telemetry: a run of 5 steps, recorded, more processor ms": round(
            (run_processor[1] - run_processor[0]) * 1e3, 1
        ),
    }


class Discarding(BaseHTTPRequestHandler):
    """Takes spans and forgets them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_given: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Take a batch."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


async def ready(service: Service) -> None:
    """Wait until the API and a worker answer."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with Connection(service.port) as connection:
                    await connection.ask("GET", "/health/ready")
                    await running(connection)
                    return
            except (OSError, AssertionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.1)


async def furnished(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Give an environment whose database has the example's tickets."""
    own = await isolated_environment(environment, name)
    async with open_container(load_settings(own), agent=AGENT) as container, container.sessions.begin() as session:
        await seed(session, Principal(TENANT, "ada", ("admin",)))
    return own


def started(stack: ExitStack, environment: Mapping[str, str], *command: str) -> int:
    """Start a process that ends with the stack."""
    process = subprocess.Popen([sys.executable, *command], env=environment)
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGKILL)
    return process.pid


def main() -> None:
    """Start everything, measure, print."""
    if sys.argv[1:2] == ["receiver"]:
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Discarding).serve_forever()
    if sys.argv[1:2] == ["worker"]:
        uvloop.run(work(load_settings(), agent=dataclasses.replace(load_agent(), graph="runs:build")))
        return
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory, ExitStack() as stack:
        Path(directory).chmod(0o755)
        given = {**os.environ, "CHASSIS__SERVICE__LOG_LEVEL": "error"}
        environment = stack.enter_context(development_environment(Path(directory), given, "test"))
        taking, silent = free_port(), stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        started(stack, environment, __file__, "receiver", str(taking))
        backends = {"off": None, "on": taking, "hanging": silent.getsockname()[1]}
        services = {}
        for name, port in backends.items():
            own = asyncio.run(furnished(environment, name)) | {"CHASSIS__HTTP__PORT": str(free_port())}
            if port is not None:
                own["CHASSIS__TELEMETRY_BACKEND__URL"] = f"http://127.0.0.1:{port}"
            api = started(stack, own, "-m", "chassis", "serve")
            services[name] = Service(int(own["CHASSIS__HTTP__PORT"]), api, started(stack, own, __file__, "worker"))
            asyncio.run(ready(services[name]))
        figures = asyncio.run(measure([services[name] for name in backends]))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
