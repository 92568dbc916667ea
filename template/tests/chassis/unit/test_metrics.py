"""Figures: money that is known and money that is not, and no more series than there is room for."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.support.figures import sums

from chassis.runs.model_seen import ModelCalls
from chassis.runs.steps import MOST_STEPS, StepRecorder
from chassis.settings import ModelPrice
from chassis.telemetry import metrics, prices
from chassis.telemetry.metrics import OTHER, Bounded
from chassis.telemetry.prices import PriceTable, Usage

TABLE = PriceTable({"big": ModelPrice(input=2, output=8, cached_input=0.5), "free": ModelPrice(input=0, output=0)})


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Count what a price table counts, apart from all that other tests do."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for name in ("MODEL_COST", "MODEL_TOKENS", "MODEL_UNPRICED"):
        monkeypatch.setattr(prices, name, provider.get_meter("test").create_counter(name))
    monkeypatch.setattr(prices, "tenant_label", Bounded(metrics.tenant_label.limit))
    yield reader
    provider.shutdown()


def test_money_is_by_the_table_and_what_was_cached_is_cheaper(counted: InMemoryMetricReader) -> None:
    assert TABLE.count("big", "t", Usage(1_000_000, 500_000, cached_tokens=400_000)) == pytest.approx(1.2 + 0.2 + 4)
    assert list(sums(counted, "MODEL_COST").values()) == [pytest.approx(5.4)]


@pytest.mark.parametrize(
    ("model", "usage", "reason"), [("new", Usage(10, 10), "no_price"), ("big", Usage(), "no_usage")]
)
def test_what_is_not_known_is_counted_apart_and_never_as_nothing(
    counted: InMemoryMetricReader, model: str, usage: Usage, reason: str
) -> None:
    assert TABLE.count(model, "t", usage) is None
    [(labels, value)] = sums(counted, "MODEL_UNPRICED").items()
    assert (dict(labels), value) == ({"model": model, "reason": reason}, 1)


def test_what_is_free_costs_nothing_and_is_known(counted: InMemoryMetricReader) -> None:
    assert TABLE.count("free", "t", Usage(10, 10)) == 0
    assert sums(counted, "MODEL_UNPRICED") == {}


def test_a_thousand_tenants_are_fifty_series_and_one(counted: InMemoryMetricReader) -> None:
    for number in range(1000):
        TABLE.count("big", f"tenant-{number}", Usage(10, 10))
    costs = sums(counted, "MODEL_COST")
    assert len(costs) == 51
    others = costs[("model", "big"), ("tenant", OTHER)]
    assert others == pytest.approx(950 * 100 / 1_000_000), "nothing of it is lost"
    assert len(sums(counted, "MODEL_TOKENS")) == 102


def test_a_known_value_stays_known_when_there_is_no_room_for_others() -> None:
    bounded = Bounded(2)
    assert [bounded(value) for value in ("a", "b", "c", "a", "c", "b")] == ["a", "b", OTHER, "a", OTHER, "b"]


def recorder() -> StepRecorder:
    return StepRecorder("t", TABLE, ModelCalls("a-model"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [(None, True), (ValueError("no"), False), (asyncio.CancelledError(), None), (GraphBubbleUp(), None)],
)
def test_how_the_last_call_of_the_model_ended_is_seen_unless_it_was_given_up(
    error: BaseException | None, expected: bool | None
) -> None:
    steps = StepRecorder("t", TABLE, ModelCalls("big"))
    for name in ("big", "another"):
        call = uuid4()
        steps.on_chat_model_start({}, [], run_id=call, metadata={"ls_model_name": name})
        if error is None or name == "another":
            steps.on_llm_end(answer(), run_id=call)
        else:
            steps.on_llm_error(error, run_id=call)
    seen = steps.calls.take()
    assert (seen and seen.succeeded) == expected
    assert steps.calls.take() is None, "it is written down once"


def answer(name: str = "big") -> LLMResult:
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    message = AIMessage("hi", usage_metadata=usage, response_metadata={"model_name": name})
    return LLMResult(generations=[[ChatGeneration(message=message)]])


def test_steps_calls_and_what_is_in_between_become_a_tree(counted: InMemoryMetricReader) -> None:
    steps, graph, step, inner, call, tool = recorder(), *(uuid4() for _ in range(5))
    steps.on_chain_start({}, {}, run_id=graph, name="agent")
    steps.on_chain_start({}, {}, run_id=step, parent_run_id=graph, metadata={"langgraph_node": "model"}, name="model")
    steps.on_chain_start({}, {}, run_id=inner, parent_run_id=step, metadata={"langgraph_node": "model"}, name="prompt")
    steps.on_chat_model_start({}, [], run_id=call, parent_run_id=inner, metadata={"ls_model_name": "big"})
    steps.on_llm_end(answer(), run_id=call)
    steps.on_chain_end({}, run_id=inner)
    steps.on_chain_end({}, run_id=step)
    steps.on_tool_start({"name": "look"}, "", run_id=tool, parent_run_id=graph)
    steps.on_tool_error(ValueError("no"), run_id=tool)
    steps.on_chain_end({}, run_id=graph)
    told = [(one.number, one.parent, one.kind, one.name, one.outcome) for one in steps.steps]
    assert told == [
        (1, None, "step", "model", "success"),
        (2, 1, "model", "big", "success"),
        (3, None, "tool", "look", "error"),
    ]
    assert (steps.steps[1].input_tokens, steps.steps[1].output_tokens) == (1000, 100)
    assert steps.steps[1].cost == pytest.approx(0.0028)


def test_a_question_to_a_person_is_no_failure() -> None:
    steps, step = recorder(), uuid4()
    steps.on_chain_start({}, {}, run_id=step, metadata={"langgraph_node": "ask"}, name="ask")
    steps.on_chain_error(GraphInterrupt(), run_id=step)
    assert steps.steps[0].outcome == "interrupted"


def test_a_run_of_many_steps_keeps_a_bounded_number() -> None:
    steps = recorder()
    for _ in range(MOST_STEPS + 5):
        step = uuid4()
        steps.on_chain_start({}, {}, run_id=step, metadata={"langgraph_node": "again"}, name="again")
        steps.on_chain_end({}, run_id=step)
    assert (len(steps.steps), steps.left_out) == (MOST_STEPS, 5)
