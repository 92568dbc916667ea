"""The log that streams are served from: bounded while a run is going on, and shortened long after."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select, update
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE

from chassis.container import Container
from chassis.jobs.finish import finish
from chassis.jobs.lease import Lease, claim
from chassis.jobs.tables import AGENT_RUN
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.events import RunLog, extent
from chassis.runs.prune import prune_logs
from chassis.runs.tables import Run, RunEvent
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PRINCIPAL = Principal("log", "ada", ("admin",))
LIMIT = 10_000
ENTRY = "x" * 1_000


@pytest.fixture(scope="module")
async def container(environment: Mapping[str, str]) -> AsyncIterator[Container]:
    async with open_container(await isolated_settings(environment, "log"), agent=SAMPLE) as container:
        yield container


async def begun(container: Container) -> tuple[Lease, UUID]:
    """A run that is being executed, and its thread."""
    request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
    async with container.sessions.begin() as session:
        run = await accept(session, container.kinds, PRINCIPAL, None, request)
        thread_id = run.thread_id
    [lease] = await claim(container.sessions, "w", [AGENT_RUN], 1, 30)
    return lease, thread_id


async def log_of(container: Container, lease: Lease, thread_id: UUID) -> RunLog:
    async with container.sessions() as session:
        written = await extent(session, lease.job_id)
    return RunLog(container.sessions, container.live_events, lease, thread_id, written, LIMIT)


async def ended(container: Container, lease: Lease, days_ago: float = 0) -> None:
    async with container.sessions.begin() as session:
        await finish(session, container.kinds, lease.job_id, "error", error={"error": "E", "message": "m"})
        at = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, days_ago * 86_400)
        await session.execute(update(Run).where(Run.job_id == lease.job_id).values(ended_at=at))


async def events(container: Container, lease: Lease) -> list[str]:
    async with container.sessions() as session:
        names = select(RunEvent.event).where(RunEvent.run_id == lease.job_id).order_by(RunEvent.sequence)
        return list(await session.scalars(names))


async def test_a_log_is_bounded_and_says_so_once_whatever_attempt_writes_it(container: Container) -> None:
    lease, thread_id = await begun(container)
    for attempt in range(2):
        log = await log_of(container, lease, thread_id)
        log.add("metadata", {"attempt": attempt})
        for _ in range(30):
            log.add("values", ENTRY)
        await log.flush()
        await log.settle()
    await ended(container, lease)
    names = await events(container, lease)
    assert names[-1] == "end"
    assert (names.count("metadata"), names.count("truncated"), names.count("error")) == (2, 1, 1)
    assert names.count("values") == LIMIT // (len(ENTRY) + 2)


async def test_a_batch_is_no_pipeline_in_which_a_frozen_worker_would_keep_its_lock(container: Container) -> None:
    lease, thread_id = await begun(container)
    log = await log_of(container, lease, thread_id)
    for _ in range(3):
        log.add("values", {})
    engine = container.sessions.kw["bind"].sync_engine
    many: list[bool] = []

    def note(*event: object) -> None:
        many.append(bool(event[-1]))

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    await log.flush()
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    assert many
    assert not any(many), "psycopg sends executemany as a pipeline"
    async with container.sessions() as session:
        assert (await extent(session, lease.job_id)).next_sequence == 4


async def test_old_logs_are_shortened_to_how_their_runs_ended(container: Container) -> None:
    old, recent, active = [await begun(container) for _ in range(3)]
    for lease, thread_id in (old, recent, active):
        log = await log_of(container, lease, thread_id)
        log.add("values", "x")
        await log.flush()
        await log.settle()
    await ended(container, old[0], days_ago=31)
    await ended(container, recent[0], days_ago=29)
    counts = []
    for _ in range(2):
        async with container.sessions.begin() as session:
            counts.append(await prune_logs(session, keep_days=30))
    assert counts == [1, 0]
    assert await events(container, old[0]) == ["error", "end"]
    assert await events(container, recent[0]) == ["values", "error", "end"]
    assert await events(container, active[0]) == ["values"]
