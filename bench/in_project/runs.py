"""Runs per second of a graph of five steps, through HTTP, queue and worker, against the bare graph.

Once with steps that do nothing, as many at once as the service executes; once with steps of 50 ms, a few at once.

Runs in a generated project: one API process, one worker process, and this client.
"""

import asyncio
import dataclasses
import json
import operator
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import httpx
import uvloop
from connection import Connection
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from chassis.commands.work import work
from chassis.dev.environment import development_environment
from chassis.dev.services import free_port
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import load_agent, open_adapter_context, open_checkpoints

STEPS = 5
COUNT = 200
CLIENTS = 20
SLOW_COUNT = 30
SLOW_CLIENTS = 2
SLOW_SECONDS = 0.05
ROUNDS = 7


class State(TypedDict, total=False):
    """A list that grows."""

    log: Annotated[list[int], operator.add]
    delay: float


def build(dependencies: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile the graph, for `GraphDependencies` or anything else with a checkpointer."""
    graph = StateGraph(State)
    names = [f"step{number}" for number in range(STEPS)]

    async def step(state: State) -> State:
        if state["delay"]:
            await asyncio.sleep(state["delay"])
        return {"log": [1]}

    for name in names:
        graph.add_node(name, step)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=dependencies.checkpointer)


class Bare:
    """What `build` needs without the chassis."""

    def __init__(self, checkpointer: object) -> None:
        self.checkpointer = checkpointer


@dataclasses.dataclass(frozen=True)
class Load:
    """So many runs, so many at once, of steps so long."""

    count: int = COUNT
    clients: int = CLIENTS
    delay: float = 0.0


async def bare(settings: Any, load: Load) -> float:
    """Give runs/s of the graph alone, with the same saver and the same number at once."""
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(open_adapter_context(settings))
        checkpoints = await stack.enter_async_context(open_checkpoints(settings, context, CLIENTS))
        graph = build(Bare(checkpoints.saver))

        async def one() -> None:
            state = {"log": [], "delay": load.delay}
            await graph.ainvoke(state, {"configurable": {"thread_id": str(uuid4())}}, durability="sync")

        return await rate(one, load)


async def served(port: int, load: Load) -> float:
    """Give runs/s through the service."""
    body = json.dumps({"assistant_id": "agent", "input": {"log": [], "delay": load.delay}}).encode()
    async with AsyncExitStack() as stack:
        free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for _ in range(load.clients):
            free.put_nowait(await stack.enter_async_context(Connection(port)))

        async def one() -> None:
            connection = await free.get()
            answer = json.loads(await connection.ask("POST", "/runs/wait", body))
            assert len(answer["log"]) == STEPS, answer
            free.put_nowait(connection)

        return await rate(one, load)


async def rate(one: Any, load: Load) -> float:
    """Run `one` as often as the load says."""
    slots = asyncio.Semaphore(load.clients)

    async def slotted() -> None:
        async with slots:
            await one()

    started = time.perf_counter()
    await asyncio.gather(*(slotted() for _ in range(load.count)))
    return load.count / (time.perf_counter() - started)


async def measure(environment: Mapping[str, str], port: int) -> dict[str, float]:
    """Measure alternately, and give medians; the ratio's is that of the pairs, since a machine's speed drifts meanwhile."""
    settings = load_settings(environment)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            try:
                if (await client.get("/health/ready")).status_code == 200:  # noqa: PLR2004 - HTTP OK
                    break
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
    await served(port, Load())
    figures = {}
    for name, load in (("", Load()), ("50 ms steps, ", Load(SLOW_COUNT, SLOW_CLIENTS, SLOW_SECONDS))):
        pairs = [(await bare(settings, load), await served(port, load)) for _ in range(ROUNDS)]
        alone, through = (statistics.median(one) for one in zip(*pairs, strict=True))
        figures |= {
            f"runs: {name}bare graph, runs/s": round(alone, 1),
            f"runs: {name}through the service, runs/s": round(through, 1),
            f"runs: {name}ratio to the bare graph": round(
                statistics.median(through / alone for alone, through in pairs), 3
            ),
        }
    return figures


def main() -> None:
    """Start the service, measure, print."""
    if sys.argv[1:] == ["worker"]:
        configure_logging("test", "error")
        sys.modules.setdefault("bench_runs", sys.modules["__main__"])
        agent = dataclasses.replace(load_agent(), graph="bench_runs:build")
        uvloop.run(work(load_settings(), agent=agent))  # as `python -m chassis work` does
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o755)
        port = free_port()
        given = {
            **os.environ,
            "CHASSIS__HTTP__PORT": str(port),
            "CHASSIS__RUNS__CONCURRENCY": str(CLIENTS),
            "CHASSIS__SERVICE__LOG_LEVEL": "error",
            "CHASSIS__DATABASE__POOL_SIZE": str(CLIENTS),
        }
        with development_environment(Path(directory), given) as environment:
            subprocess.run(
                [sys.executable, "-m", "chassis", "migrate"], env=environment, check=True, capture_output=True
            )
            commands = [["-m", "chassis", "serve"], [__file__, "worker"]]
            processes = [subprocess.Popen([sys.executable, *command], env=environment) for command in commands]
            try:
                figures = asyncio.run(measure(environment, port))
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
