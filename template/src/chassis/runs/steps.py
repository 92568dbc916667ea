"""What a run did and how long it took: measured while LangChain does it, with no content."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langgraph.errors import GraphBubbleUp
from opentelemetry.metrics import Histogram

from chassis.runs.model_seen import ModelCalls
from chassis.runs.written import Step
from chassis.telemetry.metrics import MODEL_DURATION, STEP_DURATION, TOOL_DURATION, model_label, step_label, tool_label
from chassis.telemetry.prices import PriceTable, Usage

MOST_STEPS = 1000
"""Of one attempt; further ones are measured and not kept."""


@dataclass
class StepRecorder(BaseCallbackHandler):
    """Listens to one attempt at one run."""

    tenant: str
    prices: PriceTable
    calls: ModelCalls
    steps: list[Step] = field(default_factory=list)
    left_out: int = 0
    _open: dict[UUID, Step] = field(default_factory=dict, repr=False)
    _above: dict[UUID, UUID | None] = field(default_factory=dict, repr=False)

    run_inline = True  # in the event loop: it only adds up
    raise_error = False

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note a step where this is one; of what is within a step, LangChain tells the same way."""
        self._above[run_id] = parent_run_id
        node = (metadata or {}).get("langgraph_node")
        if node is not None and kwargs.get("name") == node:
            self._begin(run_id, "step", str(node))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note a step's end."""
        self._end(run_id, STEP_DURATION, "success")

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note how a step failed."""
        self._end(run_id, STEP_DURATION, outcome_of(error))

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note a call of a tool."""
        self._above[run_id] = parent_run_id
        self._begin(run_id, "tool", str((serialized or {}).get("name") or kwargs.get("name") or "tool"))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Note its end; a failure that was told to the model is one all the same."""
        self._end(run_id, TOOL_DURATION, "error" if getattr(output, "status", None) == "error" else "success")

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note how it failed."""
        self._end(run_id, TOOL_DURATION, outcome_of(error))

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note a call of a model."""
        self._above[run_id] = parent_run_id
        name = (metadata or {}).get("ls_model_name") or (serialized or {}).get("name") or "unknown"
        self._begin(run_id, "model", str(name))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Note its end, what it took and what that costs."""
        step = self._open.get(run_id)
        if step is not None:
            usage = usage_of(response)
            step.input_tokens, step.output_tokens = usage.input_tokens, usage.output_tokens
            step.cost = self.prices.count(step.name, self.tenant, usage)
        self._end(run_id, MODEL_DURATION, "success")
        self._saw(step, succeeded=True)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Note how it failed; that somebody gave it up says nothing about the model."""
        step = self._open.get(run_id)
        self._end(run_id, MODEL_DURATION, outcome_of(error))
        if not isinstance(error, asyncio.CancelledError | GraphBubbleUp):
            self._saw(step, succeeded=False)

    def _saw(self, step: Step | None, *, succeeded: bool) -> None:
        if step is not None and step.seconds is not None:
            self.calls.saw(step.name, step.seconds, succeeded=succeeded)

    def _begin(self, run_id: UUID, kind: str, name: str) -> None:
        step = Step(len(self.steps) + 1, self._parent(run_id), kind, name, time.time())
        self._open[run_id] = step
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)
        else:
            self.left_out += 1

    def _parent(self, run_id: UUID) -> int | None:
        above = self._above.get(run_id)
        while above is not None:
            if above in self._open:
                return self._open[above].number
            above = self._above.get(above)
        return None

    def _end(self, run_id: UUID, durations: Histogram, outcome: str) -> None:
        step = self._open.pop(run_id, None)
        if step is None:
            return
        step.seconds, step.outcome = max(time.time() - step.began, 0), outcome
        label = {"step": step_label, "tool": tool_label, "model": model_label}[step.kind](step.name)
        durations.record(step.seconds, {step.kind: label, "outcome": outcome})


def outcome_of(error: BaseException) -> str:
    """Say in a word how something ended that raised; an interrupt or a drain is no failure."""
    return "interrupted" if isinstance(error, GraphBubbleUp) else "error"


def usage_of(response: LLMResult) -> Usage:
    """Read what a call took, as providers' adapters tell it."""
    for generations in response.generations:
        for generation in generations:
            message = generation.message if isinstance(generation, ChatGeneration) else None
            usage = message.usage_metadata if isinstance(message, AIMessage) else None
            if usage:
                cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
                return Usage(usage["input_tokens"], usage["output_tokens"], cached)
    return Usage()
