"""Tool calls that were cut off: answered before the model sees them again, since providers refuse a history without answers."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage, ToolMessage
from langchain_core.messages.tool import ToolCall
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime

from chassis.db import json
from chassis.runs.context import RunContext
from chassis.runs.tables import ToolReceipt


class AnswerCutOffCalls(AgentMiddleware[AgentState[Any], RunContext, Any]):
    """Answers the tool calls that an ended run has left without an answer, from their receipts.

    It looks when a run begins with a new input. A run that is tried again, or that a person's answer resumes, goes on with its
    calls instead; and while such an answer is waited for, a new input is not taken (`chassis.runs.question`).
    """

    async def abefore_agent(self, state: AgentState[Any], runtime: Runtime[RunContext]) -> dict[str, Any] | None:
        """Put the missing answers where they belong."""
        messages = state["messages"]
        cut_off = [call["id"] or "" for place in range(len(messages)) for call in unanswered(messages, place)]
        if not cut_off:
            return None
        receipts = await runtime.context.receipts(cut_off)
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), *answered(messages, receipts)]}


def unanswered(messages: Sequence[AnyMessage], place: int) -> list[ToolCall]:
    """Give the calls of the message at this place that have no answer before the model speaks again."""
    message = messages[place]
    if not isinstance(message, AIMessage):
        return []
    later = list(takewhile(lambda message: not isinstance(message, AIMessage), messages[place + 1 :]))
    answers = {message.tool_call_id for message in later if isinstance(message, ToolMessage)}
    return [call for call in message.tool_calls if call["id"] not in answers]


def answered(messages: Sequence[AnyMessage], receipts: Mapping[str, ToolReceipt]) -> list[AnyMessage]:
    """Give the history with an answer to each call, after the call and the answers that are there."""
    patched: list[AnyMessage] = []
    missing: list[AnyMessage] = []
    for place, message in enumerate(messages):
        if not isinstance(message, ToolMessage):
            patched += missing
            missing = [answer(call, receipts.get(call["id"] or "")) for call in unanswered(messages, place)]
        patched.append(message)
    return [*patched, *missing]


def answer(call: ToolCall, receipt: ToolReceipt | None) -> ToolMessage:
    """Say that a call was cut off, and what became of it."""
    match receipt.state if receipt is not None else None, receipt.result if receipt is not None else {}:
        case "done", result:
            outcome = f"It had taken effect, with this result: {json.dumps(result)}"
        case "refused", result:
            outcome = f"It had been refused: {result['detail']}"
        case "intended", _:
            outcome = "Whether it took effect is not known; find out before you do it again."
        case _:
            outcome = "It did nothing of consequence."
    return ToolMessage(
        content=f"The run was cut off in the middle of this call. {outcome}",
        name=call["name"],
        tool_call_id=call["id"] or "",
        status="success" if receipt is not None and receipt.state == "done" else "error",
    )
