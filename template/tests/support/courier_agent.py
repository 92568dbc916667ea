"""An agent whose three tools do what tools do: one answers, one fails, one takes its time."""

import asyncio
import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.graph.state import CompiledStateGraph

from chassis.agent_spec import AgentSpec
from chassis.api.graph import GraphDependencies, RunContext

COURIER = AgentSpec(
    name="agent",
    description="Finds, weighs and tracks.",
    graph="tests.support.courier_agent:build",
    routes="tests.support.sample_routes:router",
    models="tests.support.courier_agent",
)
FIND, WEIGH, TRACK = "Find the parcel.", "Weigh the freight.", "Track the vehicle."
SLOW_SECONDS = "TESTS_COURIER_SLOW_SECONDS"


@tool
async def find_parcel() -> str:
    """Find a parcel. Also: parcels, package."""
    return "It is at the depot."


@tool
async def weigh_freight() -> str:
    """Weigh freight. Also: weight, heavy."""
    message = "The scales are broken."
    raise ValueError(message)


@tool
async def track_vehicle() -> str:
    """Track a vehicle. Also: truck, van."""
    await asyncio.sleep(float(os.environ.get(SLOW_SECONDS, "1")))
    return "It is on its way."


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    return create_agent(
        dependencies.model,
        [find_parcel, weigh_freight, track_vehicle],
        context_schema=RunContext,
        checkpointer=dependencies.checkpointer,
        name="agent",
    )
