"""What `agent.graph` and `agent.tools` may import; only workers load this module."""

from dataclasses import dataclass
from typing import Any

from langchain.tools import ToolRuntime
from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.base import BaseCheckpointSaver

from chassis.runs.context import RunContext
from chassis.runs.orphans import AnswerCutOffCalls
from chassis.runs.receipts import EffectRefusedError
from chassis.runs.resolutions import AskPerson, EffectUnknownError, LookUp, SameKey

Runtime = ToolRuntime[RunContext, Any]
"""The type of a tool's `runtime` parameter: `runtime.context` is the `RunContext`."""


@dataclass(frozen=True, slots=True)
class GraphDependencies:
    """What the worker hands to `AgentSpec.graph`: the configured model and the checkpointer to compile with."""

    model: BaseChatModel
    checkpointer: BaseCheckpointSaver[str]


__all__ = [
    "AnswerCutOffCalls",
    "AskPerson",
    "EffectRefusedError",
    "EffectUnknownError",
    "GraphDependencies",
    "LookUp",
    "RunContext",
    "Runtime",
    "SameKey",
]
