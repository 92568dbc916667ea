"""The broker dies, hangs, forgets and repeats itself, and jobs are long: whatever it does, each accepted run is executed once."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select
from tests.chaos.load import BODY, HEADERS, Load, outcome_of, until_idle
from tests.support.isolation import isolated_environment
from tests.support.queue import Broker
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, running_service, serving, working

from chassis.jobs.tables import Job
from chassis.ports.errors import UnavailableError
from chassis.settings import Settings
from chassis.settings_loader import load_settings

pytestmark = pytest.mark.slow

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "60"))
ANSWERED_SECONDS = 5.0
"""So long an acceptance may take when the broker does not answer: its client gives up after two seconds."""
REPLACED_SECONDS = 30
"""So long it may take until a worker is woken by the next broker; well below the pause between two polls here."""
CLIENTS = 4


@pytest.fixture
async def settings(environment: Mapping[str, str], broker: Broker) -> Settings:
    """A service with a database of its own and this broker; only a message wakes a worker in time."""
    own = await isolated_environment(environment, f"broker{uuid4().hex[:8]}")
    rare = {"CHASSIS__RUNS__POLL_SECONDS": "60", "CHASSIS__RUNS__LEASE_SECONDS": "20"}
    return load_settings({**own, **rare, **broker.environment})


@asynccontextmanager
async def under_load(service: RunningService) -> AsyncIterator[Load]:
    load = Load(service.url)
    clients = [asyncio.create_task(load.client(0.2)) for _ in range(CLIENTS)]
    try:
        yield load
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def executed_once(service: RunningService, load: Load, seconds: float = 60) -> None:
    """Wait for the end of everything, and look at it."""
    await until_idle(service.container.sessions, seconds)
    outcome = await outcome_of(service.container.sessions, load.accepted)
    assert load.accepted
    assert (outcome.lost, outcome.repeated, outcome.missing) == ([], [], [])
    async with service.container.sessions() as session:
        assert await session.scalar(select(func.max(Job.fence))) == 1, "no run was begun twice"


async def accepted(service: RunningService, count: int, **given: float) -> Load:
    """Have so many runs accepted, and nobody else ask for any."""
    load = Load(service.url)
    async with httpx.AsyncClient(base_url=service.url, headers=HEADERS, timeout=10) as client:
        for _ in range(count):
            answer = await client.post("/runs", json={**BODY, "input": {**BODY["input"], **given}})
            load.accepted.append(answer.raise_for_status().json()["run_id"])
    return load


async def readiness(service: RunningService) -> tuple[int, str]:
    """Ask whether requests can be served, and what is said of the queue."""
    async with service.http() as client:
        answer = await client.get("/health/ready")
    return answer.status_code, answer.json()["checks"]["queue"]


@pytest.mark.parametrize("how", ["gone", "hanging"])
async def test_requests_are_accepted_while_it_is_away(settings: Settings, broker: Broker, how: str) -> None:
    """For a minute where it is gone, since that is longer than the pauses of everybody's attempts to reconnect."""
    often = settings.model_copy(update={"runs": settings.runs.model_copy(update={"poll_seconds": 0.5})})
    async with running_service(often, SAMPLE) as service:
        async with under_load(service) as load:
            await load.more(8)
            if how == "hanging":
                with broker.hanging():
                    await asyncio.sleep(10)
                    before = len(load.accepted)
                    await load.more(8)
            else:
                broker.stop()
                before = len(load.accepted)
                await asyncio.sleep(OUTAGE_SECONDS)
                await load.more(8)
                assert await readiness(service) == (200, "unavailable")
                await asyncio.to_thread(broker.start)  # which may take longer than a request may
            await load.more(8)
            assert await readiness(service) == (200, "ok")
        assert len(load.accepted) > before + 8
        assert not load.refused, "the broker is needed to be quick, not to accept"
        assert load.slowest < ANSWERED_SECONDS
        await executed_once(service, load)


async def test_what_could_not_be_announced_is_when_another_broker_is_there(settings: Settings, broker: Broker) -> None:
    async with running_service(settings, SAMPLE) as service:
        await executed_once(service, await accepted(service, 4))
        broker.stop()
        load = await accepted(service, 4)
        broker.start()
        await executed_once(service, load, REPLACED_SECONDS)


async def test_what_it_forgets_is_executed(settings: Settings, broker: Broker) -> None:
    async with serving(settings, SAMPLE) as service:
        load = await accepted(service, 4)
        broker.forget()
        async with working(service.container):
            await executed_once(service, load)
            broker.forget()
            await executed_once(service, await accepted(service, 4), REPLACED_SECONDS)


async def test_what_waits_at_it_is_counted(settings: Settings, broker: Broker) -> None:
    async with serving(settings, SAMPLE) as service:
        queue = service.container.queue
        assert await queue.depth() == 0
        await accepted(service, 3)
        assert await queue.depth() == 3
        broker.stop()
        with pytest.raises(UnavailableError):
            await queue.depth()
        broker.start()


async def test_what_it_repeats_is_executed_once(settings: Settings) -> None:
    async with running_service(settings, SAMPLE) as service:
        queue = service.container.queue
        async with under_load(service) as load:
            for _ in range(10):
                await load.more(1)
                async with service.container.sessions() as session:
                    known = list(await session.scalars(select(Job.job_id)))
                await asyncio.gather(*(queue.publish(job_id) for job_id in known[-3:] * 5))
        await executed_once(service, load)


async def test_a_job_longer_than_the_visibility_time_is_executed_once(
    settings: Settings, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker hands a message that was not confirmed in time to somebody else; ours are confirmed before the work begins."""
    broker.hurry(monkeypatch)
    async with running_service(settings, SAMPLE) as service, working(service.container):
        load = await accepted(service, 4, delay=1)
        await asyncio.sleep(1.5)
        assert broker.unconfirmed() == 0, "nothing is left that could be handed to somebody else"
        await executed_once(service, load)


async def test_a_message_that_is_not_ours_is_put_aside(settings: Settings, broker: Broker) -> None:
    """Whatever it is: nobody is woken by it for ever, and what comes after it is heard."""
    async with running_service(settings, SAMPLE) as service:
        await executed_once(service, await accepted(service, 1))
        for body in (b"\x00\xff not text", b"{", b'"text"', b"[]", b'{"body": "e30=", "properties": {}}'):
            broker.put(f"{settings.service.name}.runs", body)
        await executed_once(service, await accepted(service, 2), REPLACED_SECONDS)
        await asyncio.sleep(1)
        assert await service.container.queue.depth() == 0
        assert broker.unconfirmed() == 0
