"""A graph whose one step calls a model that does not answer, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from chassis.api.graph import GraphDependencies, RunContext


class State(TypedDict, total=False):
    url: str
    answer: str


async def think(state: State) -> State:
    model = ChatOpenAI(model="slow", base_url=state["url"], api_key=lambda: "none", timeout=60, max_retries=0)
    return {"answer": str((await model.ainvoke("Hello?")).content)}


def build(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    graph = StateGraph(State, context_schema=RunContext)
    graph.add_node("think", think)
    graph.add_edge(START, "think")
    return graph.compile(checkpointer=dependencies.checkpointer)


class SilentModel:
    """What has happened to the connections of a model that takes every request and answers none."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        while await reader.read(65_536):
            pass
        self.left.set()
        writer.close()


@asynccontextmanager
async def silent_model() -> AsyncIterator[SilentModel]:
    model = SilentModel()
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    async with server:
        model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield model
