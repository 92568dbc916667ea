"""kill -9 in the middle of a run: the answer still arrives, and no effect is repeated."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.chaos.load import in_words, stood_still
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.sample_graph import EFFECT
from tests.support.service import RunningService, serving
from tests.support.worker_process import worker_process

from chassis.audit.tables import AuditEvent
from chassis.settings_loader import load_settings

pytestmark = pytest.mark.slow

ROUNDS = 8
KILLS = int(os.environ.get("KILLS", "2"))
SEED = int(os.environ.get("SEED", "1"))
KILLS_A_RUN = 50
"""A job has at most 100 attempts."""


@pytest.fixture(scope="module")
async def process_environment(environment: Mapping[str, str]) -> dict[str, str]:
    own = await isolated_environment(environment, "kill")
    return {**own, "PYTHONPATH": os.pathsep.join([".", "src"])}


@pytest.fixture(scope="module")
async def api(process_environment: dict[str, str]) -> AsyncIterator[RunningService]:
    async with serving(load_settings(process_environment), SAMPLE) as service:
        yield service


async def effects(service: RunningService, thread_id: str) -> list[str]:
    async with service.container.sessions() as session:
        rows = await session.scalars(
            select(AuditEvent.resource)
            .where(AuditEvent.action == EFFECT, AuditEvent.details["thread"].astext == thread_id)
            .order_by(AuditEvent.event_id)
        )
        return list(rows)


async def until_effects(service: RunningService, thread_id: str, count: int) -> None:
    async with asyncio.timeout(60):
        while len(await effects(service, thread_id)) < count:  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP], ids=lambda number: number.name)
async def test_a_run_survives_its_worker(
    api: RunningService, process_environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    client = api.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    with worker_process(process_environment, tmp_path / "first.log") as first:
        run = await client.runs.create(
            thread_id, "agent", input={"rounds": ROUNDS, "delay": 0.25}, stream_mode="custom"
        )
        await until_effects(api, thread_id, 3)
        first.send_signal(number)
        if number is not signal.SIGSTOP:
            await asyncio.to_thread(first.wait, 30)
        with worker_process(process_environment, tmp_path / "second.log"):
            values = await asyncio.wait_for(client.runs.join(thread_id, run["run_id"]), 120)
            if number is signal.SIGSTOP:  # the zombie wakes up and must notice that it lost the lease
                first.send_signal(signal.SIGCONT)
                await asyncio.sleep(2)
    assert values["log"] == [f"round {index}" for index in range(ROUNDS)]
    assert await effects(api, thread_id) == [f"round/{index}" for index in range(ROUNDS)]
    parts = [part async for part in client.runs.join_stream(thread_id, run["run_id"])]
    assert [part.event for part in parts if part.event == "metadata"] == ["metadata", "metadata"]
    assert parts[-1].event == "end"
    begun = [part.data["round"] for part in parts if part.event == "custom"]
    assert len(begun) <= ROUNDS + 1, "only the step in flight is begun again; the others come from their checkpoints"
    async with api.container.sessions() as session:
        finished = await session.scalar(
            select(func.count()).where(
                AuditEvent.action == "run.finished", AuditEvent.resource == f"run/{run['run_id']}"
            )
        )
    assert finished == 1


@pytest.mark.timeout(600 + 30 * KILLS)
async def test_many_kills_at_random_moments(
    api: RunningService, process_environment: dict[str, str], tmp_path: Path
) -> None:
    """KILLS=20 SEED=7 make test: so many kills, at moments drawn from the seed; still each effect once, in order."""
    moments = random.Random(SEED)  # noqa: S311 - a reproducible draw
    patient = {**process_environment, "CHASSIS__RUNS__MAX_ATTEMPTS": "100", "CHASSIS__RUNS__RECURSION_LIMIT": "1000"}
    for begun in range(0, KILLS, KILLS_A_RUN):
        await survives(api, patient, tmp_path, moments, min(KILLS - begun, KILLS_A_RUN))
    print(in_words(await stood_still(api.container.sessions)))  # noqa: T201 - a figure: pytest -s shows it


async def survives(
    api: RunningService, environment: Mapping[str, str], folder: Path, moments: random.Random, kills: int
) -> None:
    client = api.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    rounds = 4 * kills
    run = await client.runs.create(thread_id, "agent", input={"rounds": rounds, "delay": 0.1}, stream_mode="custom")
    for kill in range(kills):
        with worker_process(environment, folder / "log") as worker:
            await until_effects(api, thread_id, min(kill * 3 + 1, rounds))
            await asyncio.sleep(moments.uniform(0, 0.4))
            worker.kill()
    with worker_process(environment, folder / "log"):
        values = await asyncio.wait_for(client.runs.join(thread_id, run["run_id"]), 180)
    assert values["log"] == [f"round {index}" for index in range(rounds)]
    assert await effects(api, thread_id) == [f"round/{index}" for index in range(rounds)]
