"""A graph whose steps have one consequential effect each, resolved in the way that its input says."""

import asyncio
import operator
import os
from typing import Annotated, Any, Literal, TypedDict

import httpx
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.agent_spec import AgentSpec
from chassis.api.graph import AskPerson, GraphDependencies, LookUp, RunContext, SameKey
from chassis.audit.record import record
from chassis.runs.resolutions import Unknown

Way = Literal["same_transaction", "same_key", "look_up", "person"]
LEDGER_URL = "LEDGER_URL"
EFFECT = "sample.effect"
VISIBLE_WITHIN = 0.2

EFFECTS_AGENT = AgentSpec(
    name="agent",
    description="Has effects elsewhere.",
    graph="tests.support.effects_graph:build",
    routes="tests.support.sample_routes:router",
    models="tests.support.sample_agent",
)


class State(TypedDict, total=False):
    way: Way
    rounds: int
    delay: float
    hold: str
    done: int
    log: Annotated[list[int], operator.add]


class Ledger:
    """The other service's client."""

    def __init__(self, state: State) -> None:
        self._hold = state.get("hold", "")
        self._idempotent = state["way"] == "same_key"
        self._url = os.environ[LEDGER_URL]

    async def park(self, place: str, name: str) -> None:
        """Stand still for the first one that comes here, if this is the place that the test wants to kill it at."""
        if place == self._hold:
            async with self._client() as client:
                await client.post("/park", params={"name": f"{place}:{name}"})

    async def act(self, key: str) -> dict[str, Any]:
        await self.park("intended", key)
        headers = {"Idempotency-Key": key} if self._idempotent else {}
        hold = {"hold": "1"} if self._hold == "made" else {}
        async with self._client() as client:
            answer = await client.post("/effects", json={"reference": key}, params=hold, headers=headers)
        effect: dict[str, Any] = answer.raise_for_status().json()
        return effect

    async def find(self, key: str) -> dict[str, Any] | None:
        async with self._client() as client:
            answer = await client.get(f"/effects/{key}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.raise_for_status().json()

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._url, timeout=60, trust_env=False)


async def step(state: State, runtime: Runtime[RunContext]) -> State:
    context, number, way, ledger = runtime.context, state.get("done", 0), state["way"], Ledger(state)
    call = f"{way}-{number}"

    async def effect(session: AsyncSession) -> dict[str, Any]:
        await ledger.park("intended", f"{context.thread_id}:{call}")
        record(session, context.principal, EFFECT, f"round/{number}", thread=str(context.thread_id))
        await session.flush()
        await ledger.park("made", f"{context.thread_id}:{call}")
        return {"number": number}

    if way == "same_transaction":
        await context.once(way, call, effect)
    else:
        unknown: dict[str, Unknown] = {
            "same_key": SameKey(),
            "look_up": LookUp(ledger.find, VISIBLE_WITHIN),
            "person": AskPerson({"round": number}),
        }
        await context.once_remote(way, call, ledger.act, unknown=unknown[way])
    await ledger.park("received", f"{context.thread_id}:{call}")
    await asyncio.sleep(state.get("delay", 0))
    return {"done": number + 1, "log": [number]}


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    graph = StateGraph(State, context_schema=RunContext)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: END if state["done"] >= state.get("rounds", 1) else "step")
    return graph.compile(checkpointer=dependencies.checkpointer)
