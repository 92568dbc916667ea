"""The agent: a model with the service desk's tools, behind LangChain's built-in middlewares."""

from importlib.resources import files
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelCallLimitMiddleware,
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain.agents.middleware.types import AgentMiddleware
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt.tool_node import ToolCallRequest
from sqlalchemy.exc import OperationalError

from agent.tools import TOOLS
from chassis.api import ChassisError
from chassis.api.graph import AnswerCutOffCalls, GraphDependencies, RunContext

MODEL_CALLS_PER_RUN = 12
TOOL_CALLS_PER_RUN = 24
SERVER_ERROR = 500


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Compile the graph; the worker calls this once."""
    limits: list[AgentMiddleware[Any, RunContext, Any]] = [
        ModelCallLimitMiddleware(run_limit=MODEL_CALLS_PER_RUN),
        ToolCallLimitMiddleware(run_limit=TOOL_CALLS_PER_RUN),
    ]
    return create_agent(
        dependencies.model,
        TOOLS,
        system_prompt=files("agent").joinpath("prompts/system.md").read_text(encoding="utf-8"),
        middleware=[
            AnswerCutOffCalls(),
            *limits,
            # "error" lets a fallback placed around it take over; "continue" would hide the failure in the history.
            ModelRetryMiddleware(max_retries=2, on_failure="error"),
            ToolErrorMiddleware(on_error=explain),
            ToolRetryMiddleware(max_retries=2, retry_on=(OperationalError,), on_failure="error"),
        ],
        context_schema=RunContext,
        checkpointer=dependencies.checkpointer,
        name="agent",
    )


def explain(error: Exception, _request: ToolCallRequest) -> str | None:
    """Tell the model what was wrong with its call.

    What was no fault of the call is not the model's to deal with: the run is tried again later, or ends.
    """
    return error.detail if isinstance(error, ChassisError) and error.status < SERVER_ERROR else None
