"""What is due now and then is done once a tick, however many workers there are, and whatever becomes of them."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from tests.support.isolation import isolated_environment, isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import working
from tests.support.worker_process import worker_process

from chassis.container import Container
from chassis.jobs.housekeeping import EVERY, forget_ended_tasks, kind_of_chore
from chassis.jobs.schedule import Schedule, ScheduleEntry, introduce, tick
from chassis.jobs.tables import Job
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

SECOND = dt.timedelta(seconds=1)
OFTEN = Schedule("count", every=SECOND, payload={"steps": 1})
OFTEN_AGENT = replace(SAMPLE, schedules={"often": OFTEN})
RARE = Schedule("count", every=dt.timedelta(days=1), payload={"steps": 1})
WORKERS = 3
TICKS = 8


@pytest.fixture
async def container(environment: Mapping[str, str]) -> AsyncIterator[Container]:
    """A database of its own, in which nobody works."""
    async with open_container(await isolated_settings(environment, f"ticks{uuid4().hex[:8]}"), agent=SAMPLE) as opened:
        yield opened


async def jobs(container: Container, kind: str = "count") -> list[Job]:
    async with container.sessions() as session:
        return list(await session.scalars(select(Job).where(Job.kind == kind).order_by(Job.sequence)))


async def make_due(container: Container, name: str, since: dt.timedelta) -> None:
    async with container.sessions.begin() as session:
        entry = update(ScheduleEntry).where(ScheduleEntry.name == name)
        await session.execute(entry.values(due_at=func.now() - since))


async def all_done(container: Container, kind: str) -> bool:
    return [job.status for job in await jobs(container, kind)] == ["success"]


def ticks_of(found: list[Job]) -> list[dt.datetime]:
    return [dt.datetime.fromisoformat(job.payload["scheduled_for"]) for job in found]


async def soon(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.05)


async def test_three_workers_make_one_job_a_tick_and_the_death_of_one_changes_nothing(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    own = await isolated_environment(environment, "ticksthree")
    agent = f"{__name__}:OFTEN_AGENT"
    async with open_container(load_settings(own), agent=OFTEN_AGENT) as container:

        async def so_many(ticks: int) -> bool:
            return len(await jobs(container)) >= ticks

        with ExitStack() as stack:
            logs = [tmp_path / str(number) for number in range(WORKERS)]
            workers = [stack.enter_context(worker_process(own, log, agent)) for log in logs]
            await soon(partial(so_many, TICKS // 2))
            workers[0].kill()
            await soon(partial(so_many, TICKS))
        made = await jobs(container)
    found = ticks_of(made)
    assert len(found) == len(set(found)), "a tick is one job"
    assert found == sorted(found)
    assert all(tick.microsecond == 0 for tick in found), "ticks are whole seconds, as was asked for"
    assert {job.status for job in made[:2]} == {"success"}


async def test_many_that_look_at_once_make_one_job(container: Container) -> None:
    await introduce(container.sessions, {"rare": RARE})
    await make_due(container, "rare", SECOND)
    looks = await asyncio.gather(*(tick(container.sessions, {"rare": RARE}) for _ in range(8)))
    assert sum(made for made, _ in looks) == 1
    assert len(await jobs(container)) == 1


async def test_ticks_that_nobody_was_there_for_are_one_job(container: Container) -> None:
    await introduce(container.sessions, {"rare": RARE})
    await make_due(container, "rare", dt.timedelta(days=9))
    *_, (_, pause) = [await tick(container.sessions, {"rare": RARE}) for _ in range(3)]
    [job] = await jobs(container)
    assert pause is not None
    assert dt.timedelta(0) < pause <= RARE.every
    [scheduled_for] = ticks_of([job])
    assert dt.timedelta(0) <= job.created_at - scheduled_for < RARE.every
    assert (job.tenant_id, job.owner_id, job.payload["steps"]) == ("system", "schedule:rare", 1)


async def test_a_tick_is_passed_over_while_the_job_before_is_not_done(container: Container) -> None:
    await introduce(container.sessions, {"rare": RARE})
    for _ in range(2):
        await make_due(container, "rare", SECOND)
        await tick(container.sessions, {"rare": RARE})
    assert len(await jobs(container)) == 1
    async with working(container):
        await soon(partial(all_done, container, "count"))
        await make_due(container, "rare", SECOND)
        await tick(container.sessions, {"rare": RARE})
    assert len(await jobs(container)) == 2


async def test_a_shorter_pause_holds_at_once(container: Container) -> None:
    await introduce(container.sessions, {"changed": RARE})
    await introduce(container.sessions, {"changed": replace(RARE, every=SECOND)})
    _, pause = await tick(container.sessions, {"changed": RARE})
    assert pause is not None
    assert pause <= SECOND


async def test_a_worker_does_the_housekeeping_once_an_hour(container: Container) -> None:
    """As jobs, that whoever operates the service can see, and that are tried again."""
    chores = ("run_logs", "idempotency_keys", "ended_tasks", "checkpoints")

    async def introduced() -> bool:
        async with container.sessions() as session:
            return await session.scalar(select(func.count()).select_from(ScheduleEntry)) == len(chores)

    async with working(container):
        await soon(introduced)
    for name in chores:
        await make_due(container, kind_of_chore(name), SECOND)
    async with working(container):
        for name in chores:
            await soon(partial(all_done, container, kind_of_chore(name)))
    async with container.sessions() as session:
        now = (await session.execute(select(func.now()))).scalar_one()
        due = list(await session.scalars(select(ScheduleEntry.due_at)))
    assert all(now < at <= now + EVERY for at in due)


async def test_tasks_that_ended_well_are_forgotten_and_failures_are_kept(container: Container) -> None:
    everything: list[dict[str, Any]] = [
        {"status": "success", "days": 31},
        {"status": "cancelled", "days": 31},
        {"status": "success", "days": 29},
        {"status": "dead", "days": 400},
    ]
    async with container.sessions.begin() as session:
        for one in everything:
            session.add(
                Job(
                    job_id=uuid4(),
                    kind="count",
                    status=one["status"],
                    payload=one,
                    caller={},
                    ended_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=one["days"]),
                    tenant_id="t",
                    owner_id="ada",
                )
            )
    async with container.sessions.begin() as session:
        assert await forget_ended_tasks(session, keep_days=30) == 2
    assert [job.payload for job in await jobs(container)] == everything[2:]
