"""The local model's planner, on tools of no domain in particular."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from chassis.adapters.model.local import reply
from chassis.adapters.model.local_planner import PlannedCall, plan

COUNT = {
    "type": "function",
    "function": {
        "name": "count_boats",
        "description": "Count boats: how many boats there are.",
        "parameters": {
            "properties": {
                "colour": {
                    "anyOf": [{"enum": ["red", "light_blue"], "type": "string"}, {"type": "null"}],
                    "description": "Colour. red: crimson; light_blue: sky coloured, azure",
                },
                "leaking": {"type": "boolean", "description": "true: leaking, full of water; false: dry, not leaking"},
                "longer_than": {"type": "integer", "description": "Unit: metres, m"},
                "owner": {"type": "string", "description": "Follows: owned by, belonging to"},
            }
        },
    },
}
PAINT = {
    "type": "function",
    "function": {
        "name": "paint_boat",
        "description": "Paint or repaint one boat. This has consequences.",
        "parameters": {
            "properties": {
                "boat": {"type": "string", "pattern": "^B-[0-9]+$", "description": "The boat"},
                "colour": {"type": "string", "enum": ["red", "light_blue"], "description": "The new colour."},
            },
            "required": ["boat", "colour"],
        },
    },
}


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("How many boats are there?", {}),
        ("How many crimson boats?", {"colour": "red"}),
        ("how many boats are light blue", {"colour": "light_blue"}),
        ("How many are not leaking?", {"leaking": False}),
        ("How many boats leak that are longer than 12 metres?", {"leaking": True, "longer_than": 12}),
        ("Count the boats owned by Ada", {"owner": "Ada"}),
        ('Count the boats belonging to "Ada Lovelace"', {"owner": "Ada Lovelace"}),
    ],
)
def test_arguments_come_from_the_schema(question: str, arguments: dict[str, object]) -> None:
    assert plan(question, [COUNT, PAINT]) == [PlannedCall("count_boats", arguments)]


def test_a_consequential_tool_needs_all_it_requires() -> None:
    assert plan("Paint a boat red", [PAINT]) == []
    assert plan("Paint b-12 red", [COUNT, PAINT]) == [PlannedCall("paint_boat", {"boat": "B-12", "colour": "red"})]


def test_several_requests_are_several_calls() -> None:
    planned = plan("How many boats are red, and how many are azure?", [COUNT, PAINT])
    assert [call.arguments for call in planned] == [{"colour": "red"}, {"colour": "light_blue"}]


def test_the_reply_is_a_function_of_the_history_alone() -> None:
    history = [HumanMessage("How many boats are red?")]
    first, again = reply(history, [COUNT]), reply(history, [COUNT])
    assert first.tool_calls == again.tool_calls
    result = ToolMessage('{"summary": "3 boats."}', tool_call_id=first.tool_calls[0]["id"])
    assert reply([*history, first, result], [COUNT]).text == "3 boats."
    later = reply([*history, first, result, AIMessage("3 boats."), *history], [COUNT])
    assert later.tool_calls[0]["id"] != first.tool_calls[0]["id"]


def test_without_a_fitting_tool_it_says_what_it_can_do() -> None:
    assert "Count boats" in reply([HumanMessage("Sing!")], [COUNT]).text
