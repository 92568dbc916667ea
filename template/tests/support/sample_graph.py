"""A graph that counts: each round is one step with one consequential effect, told by its input what else to do."""

import asyncio
import operator
from typing import Annotated, Any, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.api import ChassisError
from chassis.api.graph import GraphDependencies, RunContext
from chassis.audit.record import record

EFFECT = "sample.effect"


class State(TypedDict, total=False):
    rounds: int
    delay: float
    fail: str
    ask: bool
    stumble: bool
    done: int
    answer: str
    log: Annotated[list[str], operator.add]


class SampleError(ChassisError):
    """The sample was told to fail."""


async def step(state: State, runtime: Runtime[RunContext]) -> State:
    number = state.get("done", 0)
    context = runtime.context

    async def effect(session: AsyncSession) -> dict[str, Any]:
        record(session, context.principal, EFFECT, f"round/{number}", thread=str(context.thread_id))
        return {"number": number}

    result = await context.once("tally", f"round-{number}", effect)
    get_stream_writer()({"round": number})
    await asyncio.sleep(state.get("delay", 0))
    if state.get("fail") == "known":
        raise SampleError
    if state.get("fail") == "unknown":
        raise ValueError("a secret detail")
    return {"done": number + 1, "log": [f"round {result['number']}"]}


async def ask(state: State) -> State:
    if not state.get("ask"):
        return {}
    answer = interrupt("Shall I?")
    if state.get("stumble"):
        raise SampleError
    return {"answer": answer}


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    graph = StateGraph(State, context_schema=RunContext)
    graph.add_node("step", step)
    graph.add_node("ask", ask)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "ask" if state["done"] >= state.get("rounds", 1) else "step")
    graph.add_edge("ask", END)
    return graph.compile(checkpointer=dependencies.checkpointer)
