"""Workers that are not what they believe to be: frozen past their lease, an hour ahead or behind, replaced under load."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from tests.chaos.fleet import Fleet
from tests.chaos.load import STOOD_STILL
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.sample_graph import EFFECT
from tests.support.service import RunningService, serving

from chassis.audit.tables import AuditEvent
from chassis.jobs.tables import ACTIVE
from chassis.runs.tables import Run
from chassis.settings_loader import load_settings
from chassis.wiring import open_checkpoints

pytestmark = pytest.mark.slow

ROUNDS = 6
ROWS = (
    "SELECT to_jsonb(run) FROM run WHERE run_id = :run",
    "SELECT to_jsonb(run_event) FROM run_event WHERE run_id = :run ORDER BY sequence",
    "SELECT to_jsonb(thread) FROM thread WHERE thread_id = :thread",
    "SELECT to_jsonb(tool_receipt) FROM tool_receipt WHERE thread_id = :thread ORDER BY tool_call_id",
    "SELECT to_jsonb(audit_event) FROM audit_event WHERE details::text LIKE '%' || :thread || '%' ORDER BY event_id",
)


@pytest.fixture
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for one test alone, since its workers take every run they find."""
    return await isolated_environment(environment, f"zombies{uuid4().hex[:8]}")


@pytest.fixture
async def api(own: dict[str, str]) -> AsyncIterator[RunningService]:
    async with serving(load_settings(own), SAMPLE) as service:
        yield service


def workers(environment: Mapping[str, str], directory: Path, **settings: str) -> Fleet:
    return Fleet({**environment, **settings}, directory, 1)


async def everything(api: RunningService, thread_id: str, run_id: str) -> list[Any]:
    """All that is stored of a run, in whatever store."""
    async with api.container.sessions() as session:
        names = {"run": run_id, "thread": thread_id}
        rows = [list(await session.scalars(text(statement), names)) for statement in ROWS]
    settings = api.container.settings
    async with open_checkpoints(settings, api.container.adapter_context, 2) as checkpoints:
        config: Any = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        stored = [repr(entry) async for entry in checkpoints.saver.alist(config)]
    return [*rows, stored]


async def until(api: RunningService, thread_id: str, effects: int) -> None:
    async with asyncio.timeout(90):
        while len(await effects_of(api, thread_id)) < effects:  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(0.05)


async def effects_of(api: RunningService, thread_id: str) -> list[str]:
    statement = select(AuditEvent.resource).where(
        AuditEvent.action == EFFECT, AuditEvent.details["thread"].astext == thread_id
    )
    async with api.container.sessions() as session:
        return list(await session.scalars(statement.order_by(AuditEvent.event_id)))


@pytest.mark.parametrize("frozen_for", [0.0, 0.07, 0.15])
async def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(
    api: RunningService, own: dict[str, str], tmp_path: Path, frozen_for: float
) -> None:
    """It is frozen at different moments of a step, so once between its effect and the checkpoint."""
    client = api.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    body: dict[str, Any] = {"input": {"rounds": ROUNDS, "delay": 0.2}, "stream_mode": ["values", "custom"]}
    zombies, living = workers(own, tmp_path), workers(own, tmp_path)
    zombies.refill()
    try:
        run = await client.runs.create(thread_id, "agent", **body)
        await until(api, thread_id, 2)
        await asyncio.sleep(frozen_for)
        zombies.workers[0].send_signal(signal.SIGSTOP)
        living.refill()
        await asyncio.wait_for(client.runs.join(thread_id, run["run_id"]), 120)
        living.end()
        before = await everything(api, thread_id, run["run_id"])
        zombies.workers[0].send_signal(signal.SIGCONT)
        await asyncio.sleep(3)
        assert await everything(api, thread_id, run["run_id"]) == before
        assert zombies.workers[0].poll() is None, "it goes on with other runs"
    finally:
        zombies.end()
        living.end()
    assert await effects_of(api, thread_id) == [f"round/{number}" for number in range(ROUNDS)]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_the_clocks_of_workers_do_not_matter(
    api: RunningService, own: dict[str, str], tmp_path: Path, hours: int
) -> None:
    client = api.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    right, wrong = workers(own, tmp_path), workers(own, tmp_path, TESTS_CLOCK_OFF_BY_HOURS=str(hours))
    right.refill()
    wrong.refill()
    try:
        runs = [
            await client.runs.create(thread_id, "agent", input={"rounds": ROUNDS * (number + 1), "delay": 0.5})
            for number in range(2)
        ]
        for run in runs:  # each is longer than a lease, of which one hour makes either nothing or too much
            await asyncio.wait_for(client.runs.join(thread_id, run["run_id"]), 120)
        async with api.container.sessions() as session:
            rows = list(await session.scalars(select(Run).where(Run.thread_id == thread_id)))
    finally:
        right.end()
        wrong.end()
    assert [(run.status, run.attempt, run.fence) for run in rows] == [("success", 1, 1)] * 2
    assert await effects_of(api, thread_id) == [f"round/{number}" for number in range(2 * ROUNDS)]


async def test_replacing_all_workers_under_load_loses_and_repeats_nothing_and_nobody_waits(
    api: RunningService, own: dict[str, str], tmp_path: Path
) -> None:
    lease = 60.0
    patient = {"CHASSIS__RUNS__LEASE_SECONDS": f"{lease:g}", "CHASSIS__RUNS__CONCURRENCY": "8"}
    client = api.sdk()
    fleet = Fleet({**own, **patient}, tmp_path, 3)
    fleet.refill()
    try:
        body: dict[str, Any] = {"input": {"rounds": ROUNDS, "delay": 0.3}, "stream_mode": "custom"}
        runs = [await client.runs.create(None, "agent", **body) for _ in range(24)]
        await until(api, runs[0]["thread_id"], 2)
        await asyncio.to_thread(fleet.restart_all)
        async with asyncio.timeout(90), api.container.sessions() as session:
            while await session.scalar(select(Run.job_id).where(Run.status.in_(ACTIVE)).limit(1)):
                await session.rollback()
                await asyncio.sleep(0.1)
            ended = {run.status for run in await session.scalars(select(Run))}
            attempts = {run.attempt for run in await session.scalars(select(Run))}
            stood_still = [float(seconds) for seconds in await session.scalars(text(STOOD_STILL))]
    finally:
        fleet.end()
    assert (ended, attempts) == ({"success"}, {1}), "a drained attempt is not counted"
    assert stood_still, "some were drained in the middle"
    assert max(stood_still) < lease / 2, "no run waited for a lease to expire"
    for run in runs:
        assert await effects_of(api, run["thread_id"]) == [f"round/{number}" for number in range(ROUNDS)]
