"""Leases, fences and the sweeper, on rows."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.context import RunContext
from chassis.runs.events import Event, append, read
from chassis.runs.finish import finish
from chassis.runs.lease import Lease, LeaseLostError, claim, fenced, keep
from chassis.runs.outbox import publish, publish_stale
from chassis.runs.release import release
from chassis.runs.sweep import sweep
from chassis.runs.tables import ACTIVE, OutboxEntry, Run, ToolReceipt
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PRINCIPAL = Principal("leases", "ada", ("admin",))


class SilentQueue:
    """A queue that takes everything, or nothing, and wakes nobody."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.published: list[UUID] = []

    async def publish(self, run_id: UUID) -> None:
        if self.broken:
            raise UnavailableError
        self.published.append(run_id)


@pytest.fixture(scope="module")
async def container(environment: Mapping[str, str]) -> AsyncIterator[Container]:
    """A database of its own: these tests claim whatever is due, and no worker may be quicker."""
    async with open_container(await isolated_settings(environment, "leases"), agent=SAMPLE) as container:
        yield container


@pytest.fixture(autouse=True)
async def no_other_runs(container: Container) -> AsyncIterator[None]:
    """Each test begins and ends without active runs."""
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.status.in_(ACTIVE)).values(status="error"))
    yield
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.status.in_(ACTIVE)).values(status="error"))


async def accepted(container: Container, thread_id: UUID | None = None) -> Run:
    request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
    async with container.sessions.begin() as session:
        return await accept(session, PRINCIPAL, thread_id or uuid4(), request, {"traceparent": "00-x"})


async def claimed(container: Container, seconds: float = 30) -> Lease:
    leases = await claim(container.sessions, "worker", 1, seconds)
    return leases[0]


async def expire(container: Container, run_id: UUID, **values: object) -> None:
    async with container.sessions.begin() as session:
        await session.execute(
            update(Run)
            .where(Run.run_id == run_id)
            .values(lease_expires_at=func.now() - func.make_interval(0, 0, 0, 1), **values)
        )


async def run_of(container: Container, run_id: UUID) -> Run:
    async with container.sessions() as session:
        return await session.get_one(Run, run_id)


async def test_accepting_writes_the_run_its_outbox_entry_and_the_caller(container: Container) -> None:
    run = await accepted(container)
    async with container.sessions() as session:
        entry = await session.scalar(select(OutboxEntry).where(OutboxEntry.run_id == run.run_id))
    assert entry is not None
    assert (entry.caller, entry.trace_context) == (PRINCIPAL.to_json(), {"traceparent": "00-x"})


async def test_two_workers_never_claim_the_same_run(container: Container) -> None:
    runs = {(await accepted(container)).run_id for _ in range(20)}
    claims = await asyncio.gather(*(claim(container.sessions, f"w{n}", 5, 30) for n in range(8)))
    got = [lease.run_id for leases in claims for lease in leases]
    assert len(got) == len(set(got))
    assert set(got) <= runs


async def test_a_thread_has_one_running_run_at_a_time(container: Container) -> None:
    thread_id = uuid4()
    first, second = await accepted(container, thread_id), await accepted(container, thread_id)
    assert [lease.run_id for lease in await claim(container.sessions, "w", 10, 30)] == [first.run_id]
    assert await claim(container.sessions, "w", 10, 30) == []
    async with container.sessions.begin() as session:
        await finish(session, run_id=first.run_id, thread_id=thread_id, caller=PRINCIPAL, status="success")
    assert [lease.run_id for lease in await claim(container.sessions, "w", 10, 30)] == [second.run_id]


async def test_an_expired_run_is_taken_over_and_the_old_worker_can_write_nothing(container: Container) -> None:
    await accepted(container)
    old = await claimed(container)
    await expire(container, old.run_id)
    queue = SilentQueue()
    assert await sweep(container.sessions, queue, container.live_events, 5) == 1  # type: ignore[arg-type]
    assert queue.published == [old.run_id]
    new = await claimed(container)
    assert (new.run_id, new.attempt, new.fence) == (old.run_id, 2, old.fence + 1)

    async def effect(_session: AsyncSession) -> dict[str, object]:
        raise AssertionError("a worker without its lease must not get here")

    with pytest.raises(LeaseLostError):
        async with fenced(container.sessions, old) as session:
            await append(session, old.run_id, PRINCIPAL, [Event(1, "values", "{}")])
    with pytest.raises(LeaseLostError):
        await RunContext(PRINCIPAL, old, container.sessions, container.spool).once("tool", "call", effect)
    with pytest.raises(LeaseLostError):
        await release(container.sessions, old)
    assert await read(container.sessions, old.run_id, 0) == []


async def test_a_run_in_time_is_left_alone(container: Container) -> None:
    await accepted(container)
    await claimed(container)
    assert await sweep(container.sessions, SilentQueue(), container.live_events, 5) == 0  # type: ignore[arg-type]


async def test_after_too_many_attempts_a_run_fails_and_says_so(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    await expire(container, lease.run_id, attempt=5)
    await sweep(container.sessions, SilentQueue(), container.live_events, 5)  # type: ignore[arg-type]
    run = await run_of(container, lease.run_id)
    assert run.status == "error"
    assert run.error is not None
    assert run.error["error"] == "AttemptsExhausted"
    assert [event.event for event in await read(container.sessions, lease.run_id, 0)] == ["error", "end"]


async def test_the_heartbeat_keeps_the_lease_and_notices_its_loss(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container, 0.6)
    heartbeat = asyncio.create_task(keep(container.sessions, lease, 0.6))
    await asyncio.sleep(1.2)
    assert not heartbeat.done()
    assert await sweep(container.sessions, SilentQueue(), container.live_events, 5) == 0  # type: ignore[arg-type]
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.run_id == lease.run_id).values(fence=Run.fence + 1))
    await asyncio.wait_for(heartbeat, 2)


async def test_a_released_run_is_pending_at_once_and_the_attempt_not_counted(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    await release(container.sessions, lease)
    again = await claimed(container)
    assert (again.run_id, again.attempt) == (lease.run_id, 1)


async def test_a_broker_that_is_down_loses_nothing(container: Container) -> None:
    run = await accepted(container)
    await publish(SilentQueue(broken=True), run.run_id)  # type: ignore[arg-type]
    async with container.sessions.begin() as session:
        await session.execute(update(OutboxEntry).values(created_at=func.now() - func.make_interval(0, 0, 0, 1)))
    queue = SilentQueue()
    await publish_stale(container.sessions, queue)  # type: ignore[arg-type]
    assert run.run_id in queue.published
    assert await publish_stale(container.sessions, queue) == 0  # type: ignore[arg-type]


async def test_a_repeated_tool_call_is_answered_from_its_receipt(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    context = RunContext(PRINCIPAL, lease, container.sessions, container.spool)
    effects: list[int] = []

    async def effect(_session: AsyncSession) -> dict[str, object]:
        effects.append(1)
        return {"number": len(effects)}

    results = [await context.once("tool", "call-1", effect) for _ in range(3)]
    assert (effects, results) == ([1], [{"number": 1}] * 3)


async def test_an_effect_that_fails_leaves_no_receipt(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)

    async def effect(_session: AsyncSession) -> dict[str, object]:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any
        await RunContext(PRINCIPAL, lease, container.sessions, container.spool).once("tool", "call-2", effect)
    async with container.sessions() as session:
        assert await session.get(ToolReceipt, (lease.thread_id, "call-2")) is None


async def test_a_transaction_of_a_frozen_process_is_rolled_back(container: Container) -> None:
    """Else its row lock would keep the sweeper from the run that the process has lost."""
    async with container.sessions() as session:
        [(limit,)] = await session.execute(text("SHOW idle_in_transaction_session_timeout"))
    assert limit == "5s"
