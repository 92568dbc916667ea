"""What a step's checkpoint costs: without a claim, under one, encrypted; and how a thread grows over 300 steps.

Prints lines of what it sees, and the figures as JSON on the last one.
"""

import asyncio
import base64
import json
import os
import statistics
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from chassis import selected
from chassis.db.engine import make_sessions, open_engine
from chassis.dev.environment import development_environment
from chassis.ports.fence import Fence
from chassis.wiring import open_adapter_context
from tests.support.checkpoints import Claims, Keys, checkpoints_on, config_of, growing_graph, working_under
from tests.support.isolation import isolated_settings
from tests.support.state_store import StateStore, open_state_store

STEPS = 300
ROUNDS = 5
Figures = dict[str, float]


async def measure(environment: Mapping[str, str]) -> Figures:
    """Measure on the chosen state store."""
    async with AsyncExitStack() as stack:
        settings = await isolated_settings(environment, "bench")
        context = await stack.enter_async_context(open_adapter_context(settings))
        store = await stack.enter_async_context(open_state_store(settings, context))
        engine = await stack.enter_async_context(open_engine(context.database, settings.database, "bench"))
        fence = await Claims(make_sessions(engine, "bench", "1")).claim()
        return {**await cost(store, fence), **await growth(store)}


def main() -> None:
    """Measure on servers of its own, print."""
    choice = selected.CHECKPOINTS.partition(":")[0].rpartition(".")[2]
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        with development_environment(Path(directory), os.environ, "test") as environment:
            figures = asyncio.run(measure(environment))
    print(json.dumps({f"checkpoints in {choice}: {name.replace('_', ' ')}": value for name, value in figures.items()}))


async def cost(store: StateStore, fence: Fence) -> Figures:
    """Give the median time of a step, in milliseconds, of runs that take turns."""
    keys = Keys(base64.b64encode(os.urandom(32)).decode())
    ways: dict[str, tuple[Fence | None, Keys | None]] = {
        "step_ms": (None, None),
        "fenced_step_ms": (fence, None),
        "fenced_encrypted_step_ms": (fence, keys),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (claim, ring) in ways.items():
            async with checkpoints_on(store, ring) as checkpoints:
                with working_under(claim):
                    times[name].append(await timed(checkpoints.saver, 50) / 50 * 1000)
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


async def timed(saver: Any, steps: int) -> float:
    """Give the seconds that a run takes."""
    graph, config = growing_graph(saver), config_of(uuid4())
    begun = time.perf_counter()
    await graph.ainvoke({"steps": steps}, config, durability="sync")
    return time.perf_counter() - begun


async def growth(store: StateStore) -> Figures:
    """Give the bytes that a thread's run has left after each hundred steps, pruned and not."""
    figures: Figures = {}
    for name, keep_last in (("pruned", 10), ("unpruned", 10_000)):
        await store.forget()
        async with checkpoints_on(store, keep_last=keep_last) as checkpoints:

            async def measure(number: int, name: str = name) -> None:
                if number and number % 100 == 0:
                    figures[f"{name}_kib_after_{number}"] = round(len(await store.raw()) / 1024, 1)

            await growing_graph(checkpoints.saver, measure).ainvoke(
                {"steps": STEPS + 1}, config_of(uuid4()), durability="sync"
            )
    return figures


if __name__ == "__main__":
    main()
