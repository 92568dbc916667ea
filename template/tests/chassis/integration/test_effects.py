"""Effects at another service, on rows: intents, receipts, and what is done about an intent without a receipt."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import psycopg
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import NodeCancelledError
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from tests.support.isolation import OWNER_URL, isolated_environment
from tests.support.sample_agent import SAMPLE

from chassis.api.graph import AskPerson, EffectRefusedError, EffectUnknownError, LookUp, RunContext, SameKey
from chassis.audit.spool import AuditSpool, AuditSpoolFullError
from chassis.audit.tables import AuditEvent
from chassis.container import Container
from chassis.jobs.lease import claim
from chassis.jobs.tables import ACTIVE, AGENT_RUN
from chassis.jobs.transient import is_transient
from chassis.ports.fence import LeaseLostError
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.receipts import ToolCall, ToolCallIdError
from chassis.runs.remote import RemoteCall
from chassis.runs.resolutions import Unknown
from chassis.runs.tables import Run, ToolReceipt
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PRINCIPAL = Principal("effects", "ada", ("admin",))


@dataclass
class Service:
    """Another service: `plan` says how it takes the next requests, `slow` how many look-ups do not see an effect yet."""

    plan: list[str] = field(default_factory=list)
    slow: int = 0
    keys: list[str] = field(default_factory=list)
    effects: dict[str, int] = field(default_factory=dict)

    async def act(self, key: str) -> dict[str, Any]:
        self.keys.append(key)
        how = self.plan.pop(0) if self.plan else "answers"
        if how == "is away":
            raise ConnectionError
        if how == "refuses":
            raise EffectRefusedError("The account is closed.")
        self.effects[key] = self.effects.get(key, 0) + 1
        if how == "does not answer":
            raise TimeoutError
        if how == "dies":
            raise asyncio.CancelledError
        return {"number": 1}

    async def act_once_a_key(self, key: str) -> dict[str, Any]:
        if key in self.effects:
            self.keys.append(key)
            return {"number": 1}
        return await self.act(key)

    async def find(self, key: str) -> dict[str, Any] | None:
        if self.plan and self.plan[0] == "cannot be asked":
            self.plan.pop(0)
            raise ConnectionError
        if self.slow:
            self.slow -= 1
            return None
        return {"number": 1} if key in self.effects else None


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    return await isolated_environment(environment, "effects")


@pytest.fixture(scope="module")
async def container(own: dict[str, str]) -> AsyncIterator[Container]:
    async with open_container(load_settings(own), agent=SAMPLE) as container:
        yield container


@pytest.fixture
async def context(container: Container) -> AsyncIterator[RunContext]:
    """A run that this test has claimed."""
    request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
    async with container.sessions.begin() as session:
        run = await accept(session, container.kinds, PRINCIPAL, None, request)
    [lease] = await claim(container.sessions, "w", [AGENT_RUN], 1, 60)
    yield RunContext(lease, run.thread_id, container.sessions, container.spool)
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.status.in_(ACTIVE)).values(status="error"))


async def audited(context: RunContext) -> list[tuple[str, str]]:
    async with context.session() as session:
        statement = (
            select(AuditEvent.action, AuditEvent.outcome)
            .where(AuditEvent.action.startswith("tool."), AuditEvent.details["run_id"].astext == str(context.run_id))
            .order_by(AuditEvent.event_id)
        )
        return [(action, outcome) for action, outcome in await session.execute(statement)]


async def receipt_of(context: RunContext, call: str = "call") -> ToolReceipt | None:
    return (await context.receipts([call])).get(call)


async def lost(container: Container, context: RunContext) -> None:
    """Let another worker take the run over."""
    async with container.sessions.begin() as session:
        await session.execute(update(Run).where(Run.job_id == context.run_id).values(fence=Run.fence + 1))


async def test_a_call_that_is_answered_is_made_once(context: RunContext) -> None:
    service = Service()
    results = [await context.once_remote("pay", "call", service.act, unknown=SameKey()) for _ in range(3)]
    assert (results, len(service.keys)) == ([{"number": 1}] * 3, 1)
    assert await audited(context) == [("tool.intended", "success"), ("tool.called", "success")]
    receipt = await receipt_of(context)
    assert receipt is not None
    assert (receipt.state, receipt.result) == ("done", {"number": 1})


async def test_a_call_that_answers_nothing_is_made_once_too(context: RunContext) -> None:
    made: list[str] = []

    async def act(key: str) -> Any:
        made.append(key)  # and returns nothing, whatever its annotation asks for

    results: list[Any] = [await context.once_remote("pay", "call", act, unknown=SameKey()) for _ in range(3)]
    assert (results, len(made)) == ([None] * 3, 1)


async def test_the_key_is_the_calls_own(context: RunContext) -> None:
    service = Service(["does not answer"])
    await context.once_remote("pay", "one", service.act_once_a_key, unknown=SameKey())
    await context.once_remote("pay", "two", service.act_once_a_key, unknown=SameKey())
    first, again, second = service.keys
    assert first == again != second
    assert len(first) == 36


WAYS: list[tuple[str, Callable[[Service], Unknown]]] = [
    ("same key", lambda _: SameKey()),
    ("look-up", lambda service: LookUp(service.find, visible_within=0.01)),
]


@pytest.mark.parametrize(("way", "unknown"), WAYS, ids=[way for way, _ in WAYS])
@pytest.mark.parametrize("failure", ["does not answer", "is away", "cannot be asked"])
async def test_an_answer_that_never_came(
    context: RunContext, way: str, unknown: Callable[[Service], Unknown], failure: str
) -> None:
    plan = ["does not answer", failure] if failure == "cannot be asked" and way == "look-up" else [failure]
    service = Service(plan)
    act = service.act_once_a_key if way == "same key" else service.act
    assert await context.once_remote("pay", "call", act, unknown=unknown(service)) == {"number": 1}
    assert list(service.effects.values()) == [1]
    assert ("tool.called", "failure") in await audited(context) or failure == "cannot be asked"


async def test_a_look_up_that_finds_nothing_is_doubted(context: RunContext) -> None:
    service = Service(["does not answer"], slow=1)
    await context.once_remote("pay", "call", service.act, unknown=LookUp(service.find, visible_within=0.01))
    assert list(service.effects.values()) == [1]


async def test_a_worker_that_dies_before_the_receipt(context: RunContext) -> None:
    service = Service(["dies"])
    look_up = LookUp(service.find, visible_within=0.01)
    with pytest.raises(asyncio.CancelledError):
        await context.once_remote("pay", "call", service.act, unknown=look_up)
    assert await context.once_remote("pay", "call", service.act, unknown=look_up) == {"number": 1}
    assert list(service.effects.values()) == [1]
    assert await audited(context) == [("tool.intended", "success"), ("tool.resolved", "success")]


async def test_a_service_that_stays_away_lets_the_run_be_tried_again_later(context: RunContext) -> None:
    service = Service(["is away"] * 3)
    with pytest.raises(EffectUnknownError) as raised:
        await context.once_remote("pay", "call", service.act, unknown=SameKey())
    assert is_transient(raised.value)
    receipt = await receipt_of(context)
    assert receipt is not None
    assert (receipt.state, receipt.result) == ("intended", {"attempt": 3})
    await context.once_remote("pay", "call", service.act, unknown=SameKey())
    assert len(set(service.keys)) == 1


async def test_a_refusal_is_kept(context: RunContext) -> None:
    service = Service(["refuses"])
    for _ in range(2):
        with pytest.raises(EffectRefusedError, match="The account is closed"):
            await context.once_remote("pay", "call", service.act, unknown=SameKey())
    assert (len(service.keys), service.effects) == (1, {})
    assert await audited(context) == [("tool.intended", "success"), ("tool.called", "failure")]


async def test_a_worker_that_lost_its_run_does_not_act(container: Container, context: RunContext) -> None:
    service = Service()
    await lost(container, context)
    with pytest.raises(LeaseLostError):
        await context.once_remote("pay", "call", service.act, unknown=SameKey())
    assert service.keys == []


@pytest.mark.parametrize("taken_over", [True, False])
async def test_a_worker_that_was_frozen_between_intent_and_act_proves_its_lease_again(
    context: RunContext, own: dict[str, str], taken_over: bool
) -> None:
    service = Service()
    readings = iter([0.0, 60.0, 60.0, 60.1])

    def clock() -> float:
        now = next(readings)
        if now == 60 and taken_over:  # all that others do while this process stands still
            with psycopg.connect(own[OWNER_URL]) as connection:
                connection.execute("UPDATE run SET fence = fence + 1 WHERE run_id = %s", [context.run_id])
        return now

    call = RemoteCall(
        ToolCall(context._sessions, context._lease, context.thread_id, "pay", "call"), service.act, SameKey(), clock
    )
    if taken_over:
        with pytest.raises(LeaseLostError):
            await call.result()
    else:
        assert await call.result() == {"number": 1}
    assert len(service.keys) == (0 if taken_over else 1)


async def test_a_worker_that_loses_its_run_while_it_acts_writes_no_receipt(
    container: Container, context: RunContext
) -> None:
    async def act(_key: str) -> dict[str, Any]:
        await lost(container, context)
        return {}

    with pytest.raises(LeaseLostError):
        await context.once_remote("pay", "call", act, unknown=SameKey())
    async with container.sessions() as session:
        [state] = await session.scalars(select(ToolReceipt.state).where(ToolReceipt.thread_id == context.thread_id))
    assert state == "intended"


async def test_with_a_full_spool_nothing_is_done(container: Container, context: RunContext) -> None:
    service = Service()
    full = RunContext(
        context._lease, context.thread_id, container.sessions, AuditSpool(container.sessions, "file", limit=0)
    )
    with pytest.raises(AuditSpoolFullError):
        await full.once_remote("pay", "call", service.act, unknown=SameKey())
    assert (service.keys, await receipt_of(context)) == ([], None)


@pytest.mark.parametrize("call", ["", None])
async def test_a_call_without_an_id_is_refused(context: RunContext, call: str | None) -> None:
    with pytest.raises(ToolCallIdError):
        await context.once_remote("pay", call, Service().act, unknown=SameKey())


async def test_another_tools_call_with_the_same_id_is_refused(context: RunContext) -> None:
    service = Service()
    await context.once_remote("pay", "call", service.act, unknown=SameKey())
    with pytest.raises(ToolCallIdError):
        await context.once_remote("mail", "call", service.act, unknown=SameKey())


async def test_an_effect_here_that_fails_is_audited_as_failed(context: RunContext) -> None:
    async def effect(_session: AsyncSession) -> dict[str, Any]:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any
        await context.once("change", "call", effect)
    assert await audited(context) == [("tool.intended", "success"), ("tool.called", "failure")]


class State(TypedDict, total=False):
    result: dict[str, Any]


@dataclass
class Desk:
    """A graph with one call that only a person can resolve; `give` starts or resumes it as a worker would."""

    service: Service
    context: RunContext

    def __post_init__(self) -> None:
        async def pay(state: State, runtime: Runtime[RunContext]) -> State:
            unknown = AskPerson({"amount": 5})
            return {"result": await runtime.context.once_remote("pay", "call", self.service.act, unknown=unknown)}

        graph = StateGraph(State, context_schema=RunContext)
        graph.add_node("pay", pay)
        graph.add_edge(START, "pay")
        graph.add_edge("pay", END)
        self._graph = graph.compile(checkpointer=InMemorySaver())

    async def give(self, answer: dict[str, Any] | None = None) -> Any:
        """Give the result, or the question that the run is parked with."""
        given: Any = Command(resume=answer) if answer is not None else {"result": {}}
        values = await self._graph.ainvoke(
            given, {"configurable": {"thread_id": "1"}}, context=self.context, durability="sync"
        )
        return values["__interrupt__"][0].value if "__interrupt__" in values else values["result"]


async def test_a_person_says_that_it_took_effect(context: RunContext) -> None:
    desk = Desk(Service(["does not answer"]), context)
    question = await desk.give()
    assert (question["tool"], question["attempt"], question["arguments"]) == ("pay", 1, {"amount": 5})
    assert question["key"] == desk.service.keys[0]
    assert await desk.give({"attempt": 1, "outcome": "done", "result": {"number": 7}}) == {"number": 7}
    assert list(desk.service.effects.values()) == [1]
    assert (await audited(context))[-1] == ("tool.resolved", "success")


async def test_a_person_says_that_it_did_not_take_effect(context: RunContext) -> None:
    desk = Desk(Service(["is away"]), context)
    await desk.give()
    assert await desk.give({"attempt": 1, "outcome": "not_done"}) == {"number": 1}
    assert list(desk.service.effects.values()) == [1]


@pytest.mark.parametrize(
    "answer",
    [
        {"outcome": "done", "result": {}},
        {"attempt": 1, "outcome": "done"},
        {"attempt": 1, "outcome": "done", "result": "yes"},
        {"attempt": 1, "outcome": "perhaps"},
        {"attempt": 2, "outcome": "not_done"},
    ],
)
async def test_a_malformed_answer_is_asked_for_again(context: RunContext, answer: dict[str, Any]) -> None:
    desk = Desk(Service(["does not answer"]), context)
    question = await desk.give()
    assert await desk.give(answer) == question
    assert await desk.give({"attempt": 1, "outcome": "done", "result": {}}) == {}
    assert len(desk.service.keys) == 1


async def test_an_answer_is_no_answer_about_a_later_attempt(context: RunContext) -> None:
    """A run that was resumed with "not done", acted, and died before its receipt is executed with the same answer."""
    desk = Desk(Service(["is away", "dies"]), context)
    await desk.give()
    not_done = {"attempt": 1, "outcome": "not_done"}
    with pytest.raises(NodeCancelledError):
        await desk.give(not_done)
    question = await desk.give(not_done)
    assert question["attempt"] == 2
    assert await desk.give({"attempt": 2, "outcome": "done", "result": {"number": 1}}) == {"number": 1}
    assert list(desk.service.effects.values()) == [1]
