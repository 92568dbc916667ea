"""Background tasks in worker processes that are killed, poisoned and stopped: each step once, and the others go on."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.sample_tasks import STEP

from chassis.api import Principal, enqueue
from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.jobs.tables import ACTIVE, Job
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

STEPS = 50


@pytest.fixture(scope="module")
async def process_environment(environment: Mapping[str, str]) -> dict[str, str]:
    own = await isolated_environment(environment, "tasks")
    fast = {"CHASSIS__RUNS__LEASE_SECONDS": "1", "CHASSIS__RUNS__POLL_SECONDS": "0.1"}
    return {**own, **fast, "CHASSIS__RUNS__MAX_ATTEMPTS": "3", "PYTHONPATH": os.pathsep.join([".", "src"])}


@pytest.fixture(scope="module")
async def container(process_environment: dict[str, str]) -> AsyncIterator[Container]:
    async with open_container(load_settings(process_environment), agent=SAMPLE) as container:
        yield container


@contextmanager
def worker(environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        command = [sys.executable, "-m", "tests.support.process"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


async def enqueued(container: Container, task: str, payload: dict[str, Any] | None = None, **options: Any) -> UUID:
    async with container.sessions.begin() as session:
        return (await enqueue(session, Principal("tasks", "ada"), task, payload or {}, **options)).job_id


async def job_of(container: Container, job_id: UUID) -> Job:
    async with container.sessions() as session:
        return await session.get_one(Job, job_id)


async def until_ended(container: Container, job_id: UUID, seconds: float = 60) -> Job:
    async with asyncio.timeout(seconds):
        while (job := await job_of(container, job_id)).status in ACTIVE:  # noqa: ASYNC110 - a worker's
            await asyncio.sleep(0.05)
    return job


async def until_progress(container: Container, job_id: UUID, done: int) -> None:
    async with asyncio.timeout(30):
        while ((await job_of(container, job_id)).progress or {"done": 0})["done"] < done:  # noqa: ASYNC110 - a worker's
            await asyncio.sleep(0.02)


async def steps(container: Container, job_id: UUID) -> list[str]:
    async with container.sessions() as session:
        rows = await session.scalars(
            select(AuditEvent.resource)
            .where(AuditEvent.action == STEP, AuditEvent.details["job"].astext == str(job_id))
            .order_by(AuditEvent.event_id)
        )
        return list(rows)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_each_of_fifty_steps_is_taken_once_whoever_dies(
    container: Container, process_environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    job_id = await enqueued(container, "count", {"steps": STEPS, "delay": 0.05})
    with worker(process_environment, tmp_path / "first.log") as first:
        await until_progress(container, job_id, STEPS // 3)
        first.send_signal(number)
        assert await asyncio.to_thread(first.wait, 20) == (0 if number is signal.SIGTERM else -number)
        left = await job_of(container, job_id)
        assert left.status == ("pending" if number is signal.SIGTERM else "running")
        with worker(process_environment, tmp_path / "second.log"):
            job = await until_ended(container, job_id)
    assert (job.status, job.result, job.progress) == ("success", {"steps": STEPS}, {"done": STEPS})
    assert await steps(container, job_id) == [f"step/{number}" for number in range(STEPS)]
    assert job.attempt == (1 if number is signal.SIGTERM else 2), "a drained attempt does not count"


async def test_a_payload_that_kills_its_worker_is_given_up_and_others_go_on(
    container: Container, process_environment: dict[str, str], tmp_path: Path
) -> None:
    # One at a time: what a worker executes beside a poison loses the same attempts, as docs/limits.md says.
    alone = {**process_environment, "CHASSIS__RUNS__CONCURRENCY": "1"}
    poison = await enqueued(container, "poison")
    killed = 0
    others: list[UUID] = []
    async with asyncio.timeout(60):
        while (await job_of(container, poison)).status in ACTIVE:
            others.append(await enqueued(container, "count", {"steps": 2}))
            with worker(alone, tmp_path / "log") as process:
                while process.poll() is None and (await job_of(container, poison)).status in ACTIVE:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                killed += process.poll() == 13
    job = await job_of(container, poison)
    assert (killed, job.status, job.attempt) == (3, "dead", 3)
    assert job.error == {
        "error": "AttemptsExhausted",
        "message": "Given up after 3 attempts; their workers all went silent.",
    }
    with worker(alone, tmp_path / "log"):
        for job_id in others:
            assert (await until_ended(container, job_id)).status == "success"
            assert await steps(container, job_id) == ["step/0", "step/1"]


@pytest.fixture
def working(process_environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    with worker(process_environment, tmp_path / "working.log"):
        yield


@pytest.mark.usefixtures("working")
async def test_a_task_that_takes_too_long_ends_as_a_timeout(container: Container) -> None:
    job = await until_ended(container, await enqueued(container, "sleepy", time_limit_seconds=1))
    assert job.status == "timeout"
    assert job.error is not None
    assert job.error["error"] == "TimeLimitExceeded"


@pytest.mark.usefixtures("working")
async def test_what_is_tried_again_later_succeeds_or_is_given_up_with_its_reason(container: Container) -> None:
    mended, hopeless = (
        await enqueued(container, "flaky", {"times": 1}),
        await enqueued(container, "flaky", {"times": 9}),
    )
    job = await until_ended(container, mended)
    assert (job.status, job.result, job.attempt, job.error) == ("success", {"tried": 2}, 2, None)
    assert job.started_at is not None
    assert job.ended_at is not None
    assert (job.ended_at - job.started_at).total_seconds() >= 0.5, "it pauses before it is tried again"
    job = await until_ended(container, hopeless)
    assert (job.status, job.attempt, job.progress) == ("dead", 3, {"tried": 3})
    assert job.error == {
        "error": "AttemptsExhausted",
        "message": "Given up after 3 attempts; the last said: What the sample needs is out of order.",
    }


@pytest.mark.usefixtures("working")
async def test_a_broken_task_says_why_and_goes_on_from_its_progress_when_redriven(
    container: Container, process_environment: dict[str, str]
) -> None:
    job = await until_ended(container, await enqueued(container, "broken"))
    assert (job.status, job.error) == ("error", {"error": "BrokenError", "message": "The sample was told to break."})
    command = [sys.executable, "-m", "chassis", "jobs", "redrive", str(job.job_id)]
    await asyncio.to_thread(subprocess.run, command, env=process_environment, check=True, capture_output=True)
    job = await until_ended(container, job.job_id)
    assert (job.status, job.result, job.error) == ("success", {"mended": True}, None)


@pytest.mark.usefixtures("working")
async def test_a_running_task_is_cancelled_from_the_command_line(
    container: Container, process_environment: dict[str, str]
) -> None:
    job_id = await enqueued(container, "sleepy")
    async with asyncio.timeout(30):
        while (await job_of(container, job_id)).progress is None:  # noqa: ASYNC110 - a worker's
            await asyncio.sleep(0.02)
    command = [sys.executable, "-m", "chassis", "jobs", "cancel", str(job_id)]
    await asyncio.to_thread(subprocess.run, command, env=process_environment, check=True, capture_output=True)
    assert (await until_ended(container, job_id, 5)).status == "cancelled"


@pytest.mark.usefixtures("working")
async def test_a_task_has_others_done(container: Container) -> None:
    job = await until_ended(container, await enqueued(container, "enqueuing"))
    assert job.result is not None
    assert (await until_ended(container, UUID(job.result["job_id"]))).status == "success"


async def test_the_more_important_is_begun_first(
    container: Container, process_environment: dict[str, str], tmp_path: Path
) -> None:
    later = await enqueued(container, "count", {"steps": 1}, priority=-1)
    first = await enqueued(container, "count", {"steps": 1}, priority=1)
    with worker({**process_environment, "CHASSIS__RUNS__CONCURRENCY": "1"}, tmp_path / "log"):
        jobs = [await until_ended(container, job_id) for job_id in (first, later)]
    assert jobs[0].started_at is not None
    assert jobs[1].started_at is not None
    assert jobs[0].started_at < jobs[1].started_at


async def test_a_job_of_a_kind_that_nobody_knows_is_left_alone(
    container: Container, process_environment: dict[str, str], tmp_path: Path
) -> None:
    unknown, known = await enqueued(container, "count", {"steps": 1}), await enqueued(container, "count", {"steps": 1})
    async with container.sessions.begin() as session:
        await session.execute(update(Job).where(Job.job_id == unknown).values(kind=f"next_{uuid4().hex[:8]}"))
    with worker(process_environment, tmp_path / "log"):
        assert (await until_ended(container, known)).status == "success"
    async with container.sessions.begin() as session:
        assert (await session.get_one(Job, unknown)).status == "pending"
        await session.execute(update(Job).where(Job.job_id == unknown).values(status="success", ended_at=func.now()))
