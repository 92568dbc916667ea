"""What the model is told of a call that was cut off, and where."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from tests.support.openai_endpoint import unacceptable

from chassis.runs.orphans import answered
from chassis.runs.tables import ToolReceipt


def calling(*ids: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "pay", "args": {}, "id": call} for call in ids])


def said(*texts: str) -> list[AnyMessage]:
    return [HumanMessage(text) for text in texts]


def as_openai_sees(messages: list[AnyMessage]) -> list[dict[str, Any]]:
    roles = {"human": "user", "ai": "assistant", "tool": "tool"}
    return [
        {
            "role": roles[message.type],
            "tool_calls": [{"id": call["id"]} for call in getattr(message, "tool_calls", [])],
            "tool_call_id": getattr(message, "tool_call_id", None),
        }
        for message in messages
    ]


@pytest.mark.parametrize(
    "history",
    [
        [*said("a"), calling("1"), *said("b")],
        [*said("a"), calling("1", "2"), ToolMessage("", tool_call_id="1"), *said("b")],
        [*said("a"), calling("1"), *said("b"), calling("2", "3"), ToolMessage("", tool_call_id="3"), *said("c", "d")],
        [*said("a"), calling("1")],
        [*said("a"), calling("same"), ToolMessage("", tool_call_id="same"), calling("same"), *said("b")],
    ],
    ids=["one", "one of two", "two turns", "at the end", "an id that a provider uses again"],
)
def test_every_call_gets_one_answer_where_providers_want_it(history: list[AnyMessage]) -> None:
    assert unacceptable(as_openai_sees(history)) is not None
    patched = answered(history, {})
    assert unacceptable(as_openai_sees(patched)) is None
    assert [message for message in patched if message in history] == history


def test_what_needs_nothing_is_left_as_it_is() -> None:
    history = [*said("a"), calling("1"), ToolMessage("", tool_call_id="1"), AIMessage("b"), *said("c")]
    assert answered(history, {}) == history


@pytest.mark.parametrize(
    ("state", "result", "told", "status"),
    [
        ("done", {"paid": 5}, 'It had taken effect, with this result: {"paid":5}', "success"),
        ("refused", {"detail": "No money."}, "It had been refused: No money.", "error"),
        ("intended", {"attempt": 1}, "Whether it took effect is not known; find out before you do it again.", "error"),
        (None, {}, "It did nothing of consequence.", "error"),
    ],
)
def test_the_answer_says_what_became_of_the_call(
    state: str | None, result: dict[str, Any], told: str, status: str
) -> None:
    receipts = {"1": ToolReceipt(tool="pay", state=state, result=result)} if state else {}
    [*_, answer] = answered([*said("a"), calling("1")], receipts)
    assert isinstance(answer, ToolMessage)
    assert answer.text == f"The run was cut off in the middle of this call. {told}"
    assert answer.status == status
