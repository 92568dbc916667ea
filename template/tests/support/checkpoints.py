"""Savers on a state store of the tests' own, claims that can be overtaken, and a graph that grows."""

import operator
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Annotated, Any, TypedDict
from uuid import UUID, uuid4

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from sqlalchemy import text
from tests.support.state_store import StateStore

from chassis.db.engine import Sessions
from chassis.ports.checkpoints import Checkpoints
from chassis.ports.fence import Fence, current_fence
from chassis.ports.secrets import Secret
from chassis.secrets.cache import CachedSecretManager, CachePolicy
from chassis.wiring import open_checkpoints

KEY = "secret://checkpoint_key"


class Keys:
    """A secret backend that holds the keys of checkpoints."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    async def read(self, name: str) -> Secret:
        return Secret(name, "\n".join(self.keys))


@asynccontextmanager
async def checkpoints_on(
    store: StateStore, keys: Keys | None = None, state_types: tuple[str, ...] = (), ttl: float = 0.2, **changes: Any
) -> AsyncIterator[Checkpoints]:
    """Open the chosen checkpointer on the store, encrypting if there are keys."""
    context = store.context
    secrets = None
    if keys is not None:
        secrets = CachedSecretManager(keys, policy=CachePolicy(ttl=ttl))
        context = replace(context, secrets=secrets)
        changes["encryption_key"] = KEY
    group = store.settings.checkpoints.model_copy(update=changes)
    settings = store.settings.model_copy(update={"checkpoints": group})
    try:
        async with open_checkpoints(settings, context, 4, state_types) as checkpoints:
            yield checkpoints
    finally:
        if secrets is not None:
            await secrets.close()


class Claims:
    """Jobs as the lifecycle writes them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def claim(self) -> Fence:
        """Accept a job and claim it."""
        job_id = uuid4()
        async with self._sessions.begin() as session:
            sequence = await session.scalar(
                text(
                    "INSERT INTO run (run_id, kwargs, caller, tenant_id, owner_id, status, fence)"
                    " VALUES (:job, '{}', '{}', 't', 'o', 'running', 1) RETURNING sequence"
                ),
                {"job": job_id},
            )
        return Fence(job_id, sequence or 0, 1)

    async def take_over(self, fence: Fence) -> Fence:
        """Claim a job that has a claim, as a sweeper and another worker do."""
        async with self._sessions.begin() as session:
            await session.execute(text("UPDATE run SET fence = fence + 1 WHERE run_id = :job"), {"job": fence.job_id})
        return replace(fence, number=fence.number + 1)


@contextmanager
def working_under(fence: Fence | None) -> Iterator[None]:
    token = current_fence.set(fence)
    try:
        yield
    finally:
        current_fence.reset(token)


class Growing(TypedDict, total=False):
    steps: int
    done: int
    word: str
    messages: Annotated[list[str], operator.add]


def growing_graph(saver: Any, at_step: Any = None) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A graph of so many steps, each of which adds a message; `at_step` is awaited in each, with its number."""

    async def step(state: Growing) -> Growing:
        number = state.get("done", 0)
        if at_step is not None:
            await at_step(number)
        return {"done": number + 1, "messages": [f"message {number} ".ljust(200, "x")]}

    graph = StateGraph(Growing)
    graph.add_node("step", step)
    graph.add_edge(START, "step")
    graph.add_conditional_edges("step", lambda state: "step" if state["done"] < state["steps"] else END)
    return graph.compile(checkpointer=saver)


def config_of(thread_id: str | UUID, recursion_limit: int = 1000) -> RunnableConfig:
    return {"configurable": {"thread_id": str(thread_id), "checkpoint_ns": ""}, "recursion_limit": recursion_limit}
