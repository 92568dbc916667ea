"""Leases, fences and the sweeper, on rows."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE

from chassis.audit.record import record
from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.jobs.desk import Desk
from chassis.jobs.finish import finish
from chassis.jobs.keeper import LeaseKeeper
from chassis.jobs.lease import Lease, claim, fenced
from chassis.jobs.outbox import TRACE_CONTEXT, announce, announce_stale
from chassis.jobs.release import release, retry_later
from chassis.jobs.sweep import sweep
from chassis.jobs.tables import ACTIVE, AGENT_RUN, OutboxEntry
from chassis.ports.errors import UnavailableError
from chassis.ports.fence import LeaseLostError
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.context import RunContext
from chassis.runs.events import APPEND_NEXT, told_next
from chassis.runs.question import QuestionPendingError
from chassis.runs.tables import Run, RunEvent, Thread, ToolReceipt
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
    """Each test begins and ends without active runs, and without any that have not been announced."""
    await settle(container)
    yield
    await settle(container)


async def settle(container: Container) -> None:
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.status.in_(ACTIVE)).values(status="error"))
        await session.execute(delete(OutboxEntry))


async def accepted(container: Container, thread_id: UUID | None = None) -> Run:
    request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
    async with container.sessions.begin() as session:
        session.info[TRACE_CONTEXT] = {"traceparent": "00-x"}
        return await accept(session, container.kinds, PRINCIPAL, thread_id, request)


async def claim_all(container: Container, limit: int = 10, seconds: float = 30, worker: str = "w") -> Sequence[Lease]:
    return await claim(container.sessions, worker, [AGENT_RUN], limit, seconds)


async def claimed(container: Container, seconds: float = 30) -> Lease:
    return (await claim_all(container, 1, seconds))[0]


def desk(container: Container, queue: SilentQueue | None = None) -> Desk:
    return Desk(container.sessions, container.kinds, queue or SilentQueue(), container.live_events, 5)  # type: ignore[arg-type]


async def context_of(container: Container, lease: Lease) -> RunContext:
    run = await run_of(container, lease.job_id)
    return RunContext(lease, run.thread_id, container.sessions, container.spool)


async def expire(container: Container, run_id: UUID, **values: object) -> None:
    async with container.sessions.begin() as session:
        await session.execute(
            update(Run)
            .where(Run.run_id == run_id)
            .values(lease_expires_at=func.now() - func.make_interval(0, 0, 0, 1), **values)
        )


async def events_of(container: Container, run_id: UUID) -> list[str]:
    async with container.sessions() as session:
        names = await session.scalars(
            select(RunEvent.event).where(RunEvent.run_id == run_id).order_by(RunEvent.sequence)
        )
        return list(names)


async def run_of(container: Container, run_id: UUID) -> Run:
    async with container.sessions() as session:
        return await session.get_one(Run, run_id)


async def test_accepting_writes_the_run_its_outbox_entry_and_the_caller(container: Container) -> None:
    run = await accepted(container)
    async with container.sessions() as session:
        entry = await session.scalar(select(OutboxEntry).where(OutboxEntry.job_id == run.run_id))
    assert entry is not None
    assert (entry.caller, entry.trace_context) == (PRINCIPAL.to_json(), {"traceparent": "00-x"})


async def test_a_run_on_a_new_thread_is_accepted_with_one_statement_and_ended_with_one(container: Container) -> None:
    engine = container.sessions.kw["bind"].sync_engine
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        run = await accepted(container)
        assert len(statements) == 1, statements
        lease = await claimed(container)
        async with fenced(container.sessions, lease, exclusive=True) as session:
            statements.clear()
            await finish(session, container.kinds, run.run_id, "success")
        assert len(statements) == 1, statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_what_was_recorded_before_a_job_comes_before_it_in_the_audit_log(container: Container) -> None:
    request = RunRequest(container.agent.assistant_id, {"stream_mode": []}, {})
    async with container.sessions.begin() as session:
        record(session, PRINCIPAL, "ticket.updated", "ticket/T-1")
        await accept(session, container.kinds, PRINCIPAL, None, request)
    async with container.sessions() as session:
        last = await session.scalars(select(AuditEvent.action).order_by(AuditEvent.event_id.desc()).limit(2))
        assert list(last) == ["run.accepted", "ticket.updated"]


async def test_two_workers_never_claim_the_same_run(container: Container) -> None:
    runs = {(await accepted(container)).run_id for _ in range(20)}
    claims = await asyncio.gather(*(claim_all(container, 5, worker=f"w{n}") for n in range(8)))
    got = [lease.job_id for leases in claims for lease in leases]
    assert len(got) == len(set(got))
    assert set(got) <= runs


async def test_a_thread_has_one_running_run_at_a_time(container: Container) -> None:
    thread_id = uuid4()
    first, second = await accepted(container, thread_id), await accepted(container, thread_id)
    assert [lease.job_id for lease in await claim_all(container)] == [first.run_id]
    assert await claim_all(container) == []
    async with container.sessions.begin() as session:
        await finish(session, container.kinds, first.run_id, "success")
    assert [lease.job_id for lease in await claim_all(container)] == [second.run_id]


async def test_a_thread_waits_for_a_person_also_when_its_run_was_retried(container: Container) -> None:
    run = await accepted(container)
    late = await accepted(container, run.thread_id)
    lease = await claimed(container)
    async with fenced(container.sessions, lease, exclusive=True) as session:
        await retry_later(session, lease, {"error": "UnavailableError", "message": "The model is down."})
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.run_id == run.run_id).values(due_at=func.now()))
    async with fenced(container.sessions, await claimed(container), exclusive=True) as session:
        await finish(session, container.kinds, run.run_id, "interrupted")
    async with fenced(container.sessions, await claimed(container), exclusive=True) as session:
        refused = {"error": QuestionPendingError.__name__, "message": "The agent waits for an answer."}
        await finish(session, container.kinds, late.run_id, "error", error=refused)
    async with container.sessions() as session:
        assert (await session.get_one(Thread, run.thread_id)).status == "interrupted"


async def test_an_expired_run_is_taken_over_and_the_old_worker_can_write_nothing(container: Container) -> None:
    await accepted(container)
    old = await claimed(container)
    await expire(container, old.job_id)
    queue = SilentQueue()
    assert await sweep(desk(container, queue)) == 1
    assert queue.published == [old.job_id]
    new = await claimed(container)
    assert (new.job_id, new.attempt, new.fence) == (old.job_id, 2, old.fence + 1)

    async def effect(_session: AsyncSession) -> dict[str, object]:
        raise AssertionError("a worker without its lease must not get here")

    with pytest.raises(LeaseLostError):
        async with fenced(container.sessions, old) as session:
            await session.execute(APPEND_NEXT, told_next(old.job_id, PRINCIPAL, ("values", "{}")))
    with pytest.raises(LeaseLostError):
        await (await context_of(container, old)).once("tool", "call", effect)
    with pytest.raises(LeaseLostError):
        async with fenced(container.sessions, old, exclusive=True) as session:
            await release(session, old)
    assert await events_of(container, old.job_id) == []


async def test_a_run_in_time_is_left_alone(container: Container) -> None:
    await accepted(container)
    await claimed(container)
    assert await sweep(desk(container)) == 0


async def test_after_too_many_attempts_a_run_fails_and_says_so(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    await expire(container, lease.job_id, attempt=5)
    await sweep(desk(container))
    run = await run_of(container, lease.job_id)
    assert run.status == "dead"
    assert run.error is not None
    assert run.error["error"] == "AttemptsExhausted"
    assert await events_of(container, lease.job_id) == ["error", "end"]


@asynccontextmanager
async def keeping(container: Container, seconds: float) -> AsyncIterator[LeaseKeeper]:
    keeper = LeaseKeeper(container.sessions, seconds)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_heartbeat_keeps_leases_and_notices_the_loss_of_one(container: Container) -> None:
    await accepted(container)
    await accepted(container)
    now = asyncio.get_running_loop().time()
    async with keeping(container, 2) as keeper:
        kept, lost = (keeper.hold(lease, now) for lease in await claim_all(container, seconds=2))
        await asyncio.sleep(3)
        assert {kept.reason, lost.reason} == {None}
        assert await sweep(desk(container)) == 0
        async with container.sessions.begin() as session:
            await session.execute(update(Run).where(Run.run_id == lost.lease.job_id).values(fence=Run.fence + 1))
        await asyncio.wait_for(lost.stopped.wait(), 60)
        assert (lost.reason, kept.reason) == ("lost", None)


async def test_a_long_transaction_of_one_job_does_not_cost_the_others_their_leases(container: Container) -> None:
    await accepted(container)
    await accepted(container)
    now = asyncio.get_running_loop().time()
    async with keeping(container, 3) as keeper:
        slow, other = (keeper.hold(lease, now) for lease in await claim_all(container, seconds=3))
        async with fenced(container.sessions, slow.lease):
            await asyncio.wait_for(slow.stopped.wait(), 60)
            assert (slow.reason, other.reason) == ("lost", None)
            assert await sweep(desk(container)) == 0, "nobody takes over what has a transaction under way"


async def test_a_released_run_is_pending_at_once_and_the_attempt_not_counted(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    async with fenced(container.sessions, lease, exclusive=True) as session:
        await release(session, lease)
    again = await claimed(container)
    assert (again.job_id, again.attempt) == (lease.job_id, 1)


async def test_a_broker_that_is_down_loses_nothing(container: Container) -> None:
    run = await accepted(container)
    await announce(SilentQueue(broken=True), run.run_id)  # type: ignore[arg-type]
    async with container.sessions.begin() as session:
        await session.execute(update(OutboxEntry).values(created_at=func.now() - func.make_interval(0, 0, 0, 1)))
    queue = SilentQueue()
    await announce_stale(container.sessions, queue)  # type: ignore[arg-type]
    assert run.run_id in queue.published
    assert await announce_stale(container.sessions, queue) == 0  # type: ignore[arg-type]


async def test_a_repeated_tool_call_is_answered_from_its_receipt(container: Container) -> None:
    await accepted(container)
    lease = await claimed(container)
    context = await context_of(container, lease)
    effects: list[int] = []

    async def effect(_session: AsyncSession) -> dict[str, object]:
        effects.append(1)
        return {"number": len(effects)}

    results = [await context.once("tool", "call-1", effect) for _ in range(3)]
    assert (effects, results) == ([1], [{"number": 1}] * 3)


async def test_an_effect_that_fails_leaves_no_receipt(container: Container) -> None:
    run = await accepted(container)
    lease = await claimed(container)

    async def effect(_session: AsyncSession) -> dict[str, object]:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any
        await (await context_of(container, lease)).once("tool", "call-2", effect)
    async with container.sessions() as session:
        assert await session.get(ToolReceipt, (run.thread_id, "call-2")) is None


async def test_a_transaction_of_a_frozen_process_is_rolled_back(container: Container) -> None:
    """Else its row lock would keep the sweeper from the run that the process has lost."""
    async with container.sessions() as session:
        [(limit,)] = await session.execute(text("SHOW idle_in_transaction_session_timeout"))
    assert limit == "5s"


async def test_what_is_tried_again_later_waits_and_keeps_its_reason(container: Container) -> None:
    run = await accepted(container)
    lease = await claimed(container)
    reason = {"error": "Unavailable", "message": "The model does not answer."}
    async with fenced(container.sessions, lease, exclusive=True) as session:
        pause = await retry_later(session, lease, reason)
    assert 0.5 <= pause <= 1
    assert await claim_all(container) == []
    assert (await run_of(container, run.run_id)).error == reason
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.run_id == run.run_id).values(due_at=func.now()))
    assert (await claimed(container)).attempt == 2


async def test_the_more_important_is_claimed_first(container: Container) -> None:
    ordinary, urgent = await accepted(container), await accepted(container)
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.run_id == urgent.run_id).values(priority=5))
    assert [lease.job_id for lease in await claim_all(container)] == [urgent.run_id, ordinary.run_id]
