"""`python -m chassis trace`, on real runs."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tests.support.service import RunningService

from chassis.commands.trace import read, read_slowest
from chassis.commands.trace_lines import lines, slow_lines
from chassis.ports.errors import NotFoundError
from chassis.runs.tables import RunStep

pytestmark = pytest.mark.slow
TENANT = "t-trace"


async def test_a_run_is_drawn_from_its_own_records(service: RunningService) -> None:
    client = service.sdk(TENANT)
    thread = await client.threads.create()
    await client.runs.wait(thread["thread_id"], "agent", input={"rounds": 3})
    [run] = await client.runs.list(thread["thread_id"])
    told = await read(service.container.settings, UUID(run["run_id"]))
    [attempt] = told.attempts
    assert [step.name for step in attempt.steps].count("step") == 3
    drawn = list(lines(told))
    assert drawn[0] == f"run {run['run_id']}  success"
    assert sum("<- slowest" in line for line in drawn) == 1
    assert max(map(len, drawn)) <= 80
    async with service.container.sessions() as session:
        owners = await session.scalars(select(RunStep.tenant_id).where(RunStep.run_id == told.run_id).distinct())
        assert list(owners) == [TENANT]
    await client.threads.delete(thread["thread_id"])
    async with service.container.sessions() as session:
        assert list(await session.scalars(select(RunStep).where(RunStep.run_id == told.run_id))) == []


async def test_a_run_that_is_not_there_is_a_sentence(service: RunningService) -> None:
    with pytest.raises(NotFoundError, match="There is no run"):
        await read(service.container.settings, uuid4())


async def test_the_runs_are_listed_in_which_a_step_took_longest(service: RunningService) -> None:
    client, name = service.sdk(TENANT), "step"
    for _ in range(2):
        await client.runs.wait(None, "agent", input={"rounds": 3})
    found = await read_slowest(service.container.settings, name)
    assert len({step.run_id for step in found}) == len(found) >= 2, "each run once"
    assert {step.name for step in found} == {name}
    seconds = [step.seconds or 0 for step in found]
    assert seconds == sorted(seconds, reverse=True)
    told = await read(service.container.settings, found[0].run_id)
    assert seconds[0] == max(step.seconds or 0 for step in told.attempts[0].steps if step.name == name)
    drawn = list(slow_lines(found))
    assert f"  {found[0].run_id}  " in drawn[0]
    assert max(map(len, drawn)) <= 80


async def test_a_step_that_no_run_has_is_a_sentence(service: RunningService) -> None:
    with pytest.raises(NotFoundError, match="called 'nothing'"):
        await read_slowest(service.container.settings, "nothing")
