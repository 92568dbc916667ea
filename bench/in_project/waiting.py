"""Five hundred runs in one worker, all of which wait for a slow model: the memory that they cost above an idle worker.

Runs in a generated project: one API process, one worker process, and this client.
"""

import asyncio
import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import uvloop
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from chassis.commands.work import work
from chassis.dev.environment import development_environment
from chassis.dev.services import free_port
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import load_agent

RUNS = 500
ACCEPTED_AT_ONCE = 20
MODEL_SECONDS = 20.0
HEADERS = {"Authorization": "Bearer dev:bench:ada:admin"}


class SlowModel(BaseChatModel):
    """A model that takes its time."""

    @property
    def _llm_type(self) -> str:
        return "slow"

    def _generate(self, *_args: Any, **_kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *_args: Any, **_kwargs: Any) -> ChatResult:
        first = str(messages[-1].content) == "warm up"
        await asyncio.sleep(0 if first else MODEL_SECONDS)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("done"))])


def build(dependencies: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Compile a graph that asks the model once."""
    model = SlowModel()

    async def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    return graph.compile(checkpointer=dependencies.checkpointer)


def megabytes(pid: int) -> float:
    """Give the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def measure(environment: Mapping[str, str], worker: int) -> dict[str, float | int]:
    """Warm up, fill the worker, look at it, and wait for the end."""
    url = f"http://127.0.0.1:{environment['CHASSIS__HTTP__PORT']}"
    async with httpx.AsyncClient(base_url=url, headers=HEADERS, timeout=120) as client:

        async def accept(content: str, where: str = "/runs") -> httpx.Response:
            body = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": content}]}}
            answer = await client.post(where, json=body)
            answer.raise_for_status()
            return answer

        for _ in range(200):
            try:
                if (await client.get("/health/ready")).status_code == httpx.codes.OK:
                    break
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
        await accept("warm up", "/runs/wait")
        idle = megabytes(worker)
        slots = asyncio.Semaphore(ACCEPTED_AT_ONCE)

        async def one() -> dict[str, str]:
            async with slots:
                run: dict[str, str] = (await accept("think")).json()
                return run

        started = time.perf_counter()
        runs = await asyncio.gather(*(one() for _ in range(RUNS)))
        most, running = idle, 0
        while time.perf_counter() - started < MODEL_SECONDS + 60:
            await asyncio.sleep(0.5)
            most = max(most, megabytes(worker))
            statuses = [
                (await client.get(f"/threads/{run['thread_id']}/runs/{run['run_id']}")).json()["status"]
                for run in (runs[0], runs[-1])
            ]
            running = max(running, statuses.count("running"))
            if set(statuses) == {"success"}:
                break
        seconds = time.perf_counter() - started
    return {
        "waiting: runs at once in one worker": RUNS,
        "waiting: first and last seen running together": running,
        "waiting: worker idle, MiB": round(idle),
        "waiting: above that, MiB": round(most - idle),
        "waiting: all ended after s, the model took 20": round(seconds, 1),
    }


def main() -> None:
    """Start the service, measure, print."""
    if sys.argv[1:] == ["worker"]:
        configure_logging("test", "error")
        sys.modules.setdefault("bench_waiting", sys.modules["__main__"])
        agent = dataclasses.replace(load_agent(), graph="bench_waiting:build", tasks={})
        uvloop.run(work(load_settings(), agent=agent))  # as `python -m chassis work` does
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        Path(directory).chmod(0o755)
        given = {
            **os.environ,
            "CHASSIS__HTTP__PORT": str(free_port()),
            "CHASSIS__RUNS__CONCURRENCY": str(RUNS),
            "CHASSIS__SERVICE__LOG_LEVEL": "error",
        }
        with development_environment(Path(directory), given) as environment:
            run = [sys.executable, "-m", "chassis"]
            subprocess.run([*run, "migrate"], env=environment, check=True, capture_output=True)
            api = subprocess.Popen([*run, "serve"], env=environment)
            worker = subprocess.Popen([sys.executable, __file__, "worker"], env=environment)
            try:
                figures = asyncio.run(measure(environment, worker.pid))
            finally:
                for process in (api, worker):
                    process.terminate()
                for process in (api, worker):
                    process.wait()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
