"""An agent with all that a trace can show: a model, a tool, another service that the tool calls, and a slow moment."""

import asyncio
import os
from typing import Any

import httpx
from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph

from chassis.agent_spec import AgentSpec
from chassis.api.graph import GraphDependencies, RunContext

TRACED = AgentSpec(
    name="agent",
    description="Looks things up, slowly.",
    graph="tests.support.traced_agent:build",
    routes="tests.support.sample_routes:router",
    models="tests.support.traced_agent",
)
QUESTION = "Look up the weather, please."
ELSEWHERE = "TESTS_TRACED_ELSEWHERE"
SLOW_SECONDS = "TESTS_TRACED_SLOW_SECONDS"


@tool
async def look_up_weather() -> str:
    """Look up the weather. Also: climate, forecast."""
    await asyncio.sleep(float(os.environ.get(SLOW_SECONDS, "0.2")))
    async with httpx.AsyncClient() as client:
        answer = await client.get(os.environ[ELSEWHERE], timeout=5)
    return f"It is {answer.text}; write to ada@example.com."


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    return create_agent(
        dependencies.model,
        [look_up_weather],
        context_schema=RunContext,
        checkpointer=dependencies.checkpointer,
        name="agent",
    )
