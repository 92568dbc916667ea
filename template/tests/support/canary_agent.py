"""An agent that handles secrets as carelessly as it can, for the test that looks for them everywhere."""

from typing import Any, TypedDict

import structlog
from fastapi import APIRouter
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from chassis.agent_spec import AgentSpec
from chassis.api import can
from chassis.api.graph import GraphDependencies, RunContext
from chassis.ports.secrets import Secret

CARELESS = AgentSpec(
    name="agent",
    description="Says what it should not.",
    graph="tests.support.canary_agent:build",
    routes="tests.support.canary_agent:router",
    models="tests.support.canary_agent",
)
log = structlog.get_logger()
router = APIRouter(prefix="/careless")
held: list[Secret] = []
"""Secrets that the test has read from the real secret manager."""


@router.get("/failure", dependencies=[can("runs:read")])
async def failure() -> None:
    local = list(held)
    log.error("careless", secrets=local, first=local[0], text=f"{local[0]}")
    raise RuntimeError(local, *local)


class State(TypedDict, total=False):
    question: str
    answer: Any
    fail: bool


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    async def ask(state: State, runtime: Runtime[RunContext]) -> State:
        async def effect(_session: Any) -> dict[str, Any]:
            return {"secrets": held, "shown": [str(secret) for secret in held]}

        await runtime.context.once("careless", "call", effect)
        reply = await dependencies.model.ainvoke(f"{state['question']} {held}")
        return {"answer": [str(reply.content), *(repr(secret) for secret in held)]}

    async def fail(state: State) -> State:
        if state.get("fail"):
            raise RuntimeError(held, *held)
        return {}

    graph = StateGraph(State, context_schema=RunContext)
    graph.add_node("ask", ask)
    graph.add_node("fail", fail)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "fail")
    graph.add_edge("fail", END)
    return graph.compile(checkpointer=dependencies.checkpointer)
