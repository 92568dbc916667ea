"""How attempts end: by themselves, drained, cancelled, out of time, tried again, dead, or with their lease lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sqlalchemy import func, select, update
from tests.support.figures import sums
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE

from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.jobs import attempt, sweep
from chassis.jobs.accept import enqueue
from chassis.jobs.attempt import RetryLaterError
from chassis.jobs.cancel import cancel
from chassis.jobs.redrive import NotRedrivableError, redrive
from chassis.jobs.tables import ACTIVE, Job
from chassis.jobs.tasks import Task, TaskContext, TaskExecution
from chassis.jobs.worker import Worker, Workshop
from chassis.ports.errors import ConflictError
from chassis.ports.identity import Principal
from chassis.settings import Settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

COUNT = 150
PRINCIPAL = Principal("attempts", "ada", ("admin",))
KINDS = ("of_the_next_release", "task")


@pytest.fixture(scope="module")
async def settings(environment: Mapping[str, str]) -> Settings:
    hasty = {
        "CHASSIS__RUNS__POLL_SECONDS": "0.05",
        "CHASSIS__RUNS__DRAIN_SECONDS": "0.3",
        "CHASSIS__RUNS__MAX_ATTEMPTS": "2",
    }
    return await isolated_settings({**environment, **hasty}, "attempts")


@pytest.fixture(scope="module")
async def container(settings: Settings) -> AsyncIterator[Container]:
    agent = replace(SAMPLE, tasks=dict.fromkeys(KINDS, "each test hands its own to the worker"))
    async with open_container(settings, agent=agent) as container:
        yield container


@pytest.fixture(autouse=True)
async def no_other_jobs(container: Container) -> AsyncIterator[None]:
    yield
    async with container.sessions.begin() as session:
        await session.execute(update(Job).where(Job.status.in_(ACTIVE)).values(status="error"))


@asynccontextmanager
async def working(container: Container, **tasks: Task) -> AsyncIterator[Callable[[], None]]:
    """A worker that knows these tasks; what is given asks it to stop."""
    stop = asyncio.Event()
    kinds = {name: partial(TaskExecution, task, container.sessions) for name, task in tasks.items()}
    worker = Worker(container, Workshop(kinds))
    running = asyncio.create_task(worker.run(stop))
    try:
        yield stop.set
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


async def enqueued(container: Container, kind: str = "task", **values: Any) -> UUID:
    async with container.sessions.begin() as session:
        return (await enqueue(session, PRINCIPAL, kind, {}, **values)).job_id


async def job_of(container: Container, job_id: UUID) -> Job:
    async with container.sessions() as session:
        return await session.get_one(Job, job_id)


async def ended(container: Container, job_id: UUID) -> Job:
    async with asyncio.timeout(30):
        while (job := await job_of(container, job_id)).status in ACTIVE:  # noqa: ASYNC110 - rows do not call back
            await asyncio.sleep(0.05)
    return job


async def test_a_task_gives_its_result_and_its_progress(container: Container) -> None:
    async def task(context: TaskContext) -> dict[str, Any]:
        async with context.step({"done": 1}):
            pass
        return {"for": context.principal.subject}

    async with working(container, task=task):
        job = await ended(container, await enqueued(container))
    assert (job.status, job.result, job.progress, job.attempt) == ("success", {"for": "ada"}, {"done": 1}, 1)
    assert job.started_at is not None
    assert job.ended_at is not None


async def test_a_step_that_fails_changes_nothing(container: Container) -> None:
    async def task(context: TaskContext) -> None:
        async with context.step({"done": 1}) as session:
            await session.execute(update(Job).where(Job.job_id == context.job_id).values(priority=7))
            raise ValueError

    async with working(container, task=task):
        job = await ended(container, await enqueued(container))
    assert (job.status, job.progress, job.priority) == ("error", None, 0)
    assert job.error is not None
    assert job.error["error"] == "ValueError"


async def test_a_running_job_is_cancelled_within_two_seconds(container: Container) -> None:
    begun = asyncio.Event()

    async def task(_context: TaskContext) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with working(container, task=task):
        job_id = await enqueued(container)
        await begun.wait()
        async with container.sessions.begin() as session:
            assert await cancel(
                session, container.kinds, PRINCIPAL, await session.get_one(Job, job_id, with_for_update=True)
            )
        async with asyncio.timeout(30):
            job = await ended(container, job_id)
    assert (job.status, (job.error or {})["error"]) == ("cancelled", "Cancelled")


async def test_a_pending_job_is_cancelled_at_once_and_an_ended_one_is_left_alone(container: Container) -> None:
    job_id = await enqueued(container)
    answers = []
    for _ in range(2):
        async with container.sessions.begin() as session:
            job = await session.get_one(Job, job_id, with_for_update=True)
            answers.append(await cancel(session, container.kinds, PRINCIPAL, job))
    assert answers == [True, False]
    assert (await job_of(container, job_id)).status == "cancelled"


async def test_a_job_that_takes_too_long_is_timed_out(container: Container) -> None:
    async def task(_context: TaskContext) -> None:
        await asyncio.sleep(60)

    async with working(container, task=task):
        job = await ended(container, await enqueued(container, time_limit_seconds=0.3))
    assert (job.status, (job.error or {})["error"]) == ("timeout", "TimeLimitExceeded")


async def test_the_time_limit_counts_from_the_first_attempt(container: Container) -> None:
    job_id = await enqueued(container, time_limit_seconds=60)
    async with container.sessions.begin() as session:
        long_ago = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 61)
        await session.execute(update(Job).where(Job.job_id == job_id).values(started_at=long_ago, attempt=1))

    async def task(_context: TaskContext) -> None:
        await asyncio.sleep(60)

    async with working(container, task=task):
        assert (await ended(container, job_id)).status == "timeout"


async def test_what_is_out_of_order_is_tried_again_and_dead_in_the_end_with_its_reason(container: Container) -> None:
    attempts: list[float] = []

    async def task(_context: TaskContext) -> None:
        attempts.append(asyncio.get_running_loop().time())
        message = "The registry is closed."
        raise RetryLaterError(message)

    async with working(container, task=task):
        job = await ended(container, await enqueued(container))
    assert (job.status, len(attempts)) == ("dead", 2)
    assert attempts[1] - attempts[0] >= 0.5, "a pause lies between"
    assert job.error == {
        "error": "AttemptsExhausted",
        "message": "Given up after 2 attempts; the last said: The registry is closed.",
    }


async def test_the_first_job_that_is_given_up_is_a_rise_from_nothing(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    for module in (attempt, sweep):
        monkeypatch.setattr(module, "JOBS_DEAD", meter.create_counter("dead"))

    async def task(_context: TaskContext) -> None:
        raise RetryLaterError

    async def become(value: float) -> None:
        async with asyncio.timeout(30):
            while sums(reader, "dead").get((("kind", "task"),)) != value:  # noqa: ASYNC110 - a counter does not call back
                await asyncio.sleep(0.05)

    async with working(container, task=task):
        await become(0)
        await ended(container, await enqueued(container))
        await become(1)
        silent = await enqueued(container, "of_the_next_release")
        async with container.sessions.begin() as session:
            last_attempt = {"kind": "task", "status": "running", "attempt": 2, "lease_expires_at": func.now()}
            await session.execute(update(Job).where(Job.job_id == silent).values(**last_attempt))
        await become(2)


async def test_a_drained_job_goes_on_elsewhere_at_once_where_it_had_got_to(container: Container) -> None:
    steps: list[int] = []

    async def counts(context: TaskContext) -> dict[str, Any]:
        begun_at = (context.progress or {"done": 0})["done"]
        for number in range(begun_at, COUNT):
            async with context.step({"done": number + 1}):
                steps.append(number)
                await asyncio.sleep(0.02)
            if number == 1:
                drain()
        return {"begun_at": begun_at}

    async with working(container, task=counts) as drain:
        job_id = await enqueued(container)
        async with asyncio.timeout(30):
            while len(steps) < 3 or (await job_of(container, job_id)).status == "running":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    given_back = await job_of(container, job_id)
    assert (given_back.status, given_back.attempt) == ("pending", 0)
    async with working(container, task=counts) as drain:
        job = await ended(container, job_id)
    assert (job.status, job.attempt, steps) == ("success", 1, list(range(COUNT)))
    assert (job.result or {})["begun_at"] > 1


async def test_a_step_longer_than_the_grace_is_cut_off_and_its_job_given_back(container: Container) -> None:
    begun = asyncio.Event()

    async def task(_context: TaskContext) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with working(container, task=task) as drain:
        job_id = await enqueued(container)
        await begun.wait()
        drain()
    job = await job_of(container, job_id)
    assert (job.status, job.attempt, job.worker_id) == ("pending", 0, None)


async def test_a_job_of_an_unknown_kind_is_left_to_those_who_know_it(container: Container) -> None:
    async def task(_context: TaskContext) -> None:
        pass

    async with working(container, task=task):
        unknown = await enqueued(container, "of_the_next_release")
        await ended(container, await enqueued(container))
        assert (await job_of(container, unknown)).status == "pending"


async def test_a_job_whose_lease_was_lost_ends_here_without_a_word(container: Container) -> None:
    begun, cut_off = asyncio.Event(), asyncio.Event()

    async def task(_context: TaskContext) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cut_off.set()

    async with working(container, task=task):
        job_id = await enqueued(container)
        await begun.wait()
        async with container.sessions.begin() as session:
            await session.execute(
                update(Job).where(Job.job_id == job_id).values(fence=Job.fence + 1, worker_id="other")
            )
        await asyncio.wait_for(cut_off.wait(), 30)
    job = await job_of(container, job_id)
    assert (job.status, job.worker_id, job.error) == ("running", "other", None)


async def test_a_redriven_job_has_all_its_attempts_before_it(container: Container) -> None:
    healthy = False

    async def task(_context: TaskContext) -> None:
        if not healthy:
            raise RetryLaterError

    job_id = await enqueued(container)
    async with working(container, task=task):
        assert (await ended(container, job_id)).status == "dead"
        healthy = True
        async with container.sessions.begin() as session:
            await redrive(session, container.kinds, PRINCIPAL, await session.get_one(Job, job_id, with_for_update=True))
        job = await ended(container, job_id)
    assert (job.status, job.attempt, job.error) == ("success", 1, None)
    async with container.sessions() as session:
        actions = await session.scalars(
            select(AuditEvent.action).where(AuditEvent.resource == f"job/task/{job_id}").order_by(AuditEvent.event_id)
        )
        assert list(actions) == ["job.accepted", "job.finished", "job.redriven", "job.finished"]


async def test_what_went_well_is_not_redriven(container: Container) -> None:
    async def task(_context: TaskContext) -> None:
        pass

    async with working(container, task=task):
        job_id = await enqueued(container)
        await ended(container, job_id)
    async with container.sessions.begin() as session:
        with pytest.raises(NotRedrivableError) as caught:
            await redrive(session, container.kinds, PRINCIPAL, await session.get_one(Job, job_id, with_for_update=True))
    assert isinstance(caught.value, ConflictError)
    assert "is success" in caught.value.detail
