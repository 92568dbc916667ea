"""A run whose store fails once, at any of its writes, ends as if nothing had happened."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import select
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.sample_graph import EFFECT, build

from chassis.api.graph import GraphDependencies
from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.jobs.tables import ACTIVE, AGENT_RUN
from chassis.jobs.worker import Worker, Workshop
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.execute import GraphRunner
from chassis.runs.model_seen import ModelCalls
from chassis.runs.tables import Run, Thread
from chassis.telemetry.prices import PriceTable
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PRINCIPAL = Principal("resume", "ada", ("admin",))
ROUNDS = 3


class FailsOnce(InMemorySaver):
    """Fails the n-th write of a thread, before or after it was written; each thread's n is its own."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: dict[str, tuple[int, str]] = {}
        self.counted: Counter[str] = Counter()

    async def aput(self, config: Any, *args: Any) -> Any:
        return await self._write(config, super().aput, *args)

    async def aput_writes(self, config: Any, *args: Any) -> Any:
        return await self._write(config, super().aput_writes, *args)

    async def _write(self, config: Any, write: Any, *args: Any) -> Any:
        thread_id = config["configurable"]["thread_id"]
        self.counted[thread_id] += 1
        number, when = self.plans.get(thread_id, (0, ""))
        due = self.counted[thread_id] == number
        if due and when == "before":
            raise psycopg.OperationalError
        written = await write(config, *args)
        if due:
            raise psycopg.OperationalError
        return written


@pytest.fixture(scope="module")
async def container(environment: Mapping[str, str]) -> AsyncIterator[Container]:
    own = {**environment, "CHASSIS__RUNS__POLL_SECONDS": "0.05", "CHASSIS__RUNS__CONCURRENCY": "50"}
    async with open_container(await isolated_settings(own, "resume"), agent=SAMPLE) as container:
        yield container


async def accepted(container: Container) -> tuple[UUID, UUID]:
    payload = {"input": {"rounds": ROUNDS, "delay": 0.01}, "stream_mode": ["custom"]}
    request = RunRequest(container.agent.assistant_id, payload, {}, create_thread=True)
    async with container.sessions.begin() as session:
        run = await accept(session, container.kinds, PRINCIPAL, uuid4(), request)
        return run.job_id, run.thread_id


async def nothing_lost(_thread_id: str, _checkpoint_id: str) -> None:
    """This store is in memory, and tested for other things."""


async def worked(container: Container, saver: FailsOnce) -> None:
    """Work until nothing is active any more."""
    graph = build(GraphDependencies(model=None, checkpointer=saver))  # type: ignore[arg-type]
    runner = GraphRunner(
        graph,
        container.sessions,
        container.live_events,
        container.settings.runs,
        container.spool,
        nothing_lost,
        PriceTable({}),
        ModelCalls("none"),
    )
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(container, Workshop({AGENT_RUN: runner})).run(stop))
    async with asyncio.timeout(30), container.sessions() as session:
        while await session.scalar(select(Run.job_id).where(Run.status.in_(ACTIVE)).limit(1)):
            await session.rollback()
            await asyncio.sleep(0.1)
    stop.set()
    await working


async def test_each_write_may_fail_once(container: Container) -> None:
    saver = FailsOnce()
    _, undisturbed = await accepted(container)
    await worked(container, saver)
    count = saver.counted[str(undisturbed)]
    assert count >= 2 * ROUNDS, "each round writes what its step gave, and a checkpoint"
    plans = {}
    for number in range(1, count + 1):
        for when in ("before", "after"):
            run_id, thread_id = await accepted(container)
            saver.plans[str(thread_id)] = (number, when)
            plans[run_id] = (number, when)
    await worked(container, saver)
    async with container.sessions() as session:
        for run_id, plan in plans.items():
            run = await session.get_one(Run, run_id)
            thread = await session.get_one(Thread, run.thread_id)
            effects = await session.scalars(
                select(AuditEvent.resource)
                .where(AuditEvent.action == EFFECT, AuditEvent.details["thread"].astext == str(run.thread_id))
                .order_by(AuditEvent.event_id)
            )
            assert run.status == "success", plan
            assert run.attempt >= 2, f"{plan}: nothing failed"
            assert (thread.state_values or {}).get("log") == [f"round {number}" for number in range(ROUNDS)], plan
            assert list(effects) == [f"round/{number}" for number in range(ROUNDS)], plan
            assert thread.status == "idle", plan
