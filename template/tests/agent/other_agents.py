"""The project's own agent, with another model, or with a person who approves what it changes."""

import os
from dataclasses import replace
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_openai import ChatOpenAI
from langgraph.graph.state import CompiledStateGraph
from pydantic import SecretStr

from agent import AGENT
from agent.graph import build
from agent.tools import TOOLS
from chassis.api.graph import AnswerCutOffCalls, GraphDependencies, RunContext

MODEL_URL = "TEST_MODEL_URL"


def with_remote_model(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    model = ChatOpenAI(model="m", base_url=os.environ[MODEL_URL], api_key=SecretStr("sk-test"), max_retries=0)
    return build(replace(dependencies, model=model))


def with_approval(dependencies: GraphDependencies) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    approval: Any = HumanInTheLoopMiddleware({"update_ticket": True})
    return create_agent(
        dependencies.model,
        TOOLS,
        middleware=[AnswerCutOffCalls(), approval],
        context_schema=RunContext,
        checkpointer=dependencies.checkpointer,
    )


REMOTE = replace(AGENT, graph="tests.agent.other_agents:with_remote_model")
APPROVED = replace(AGENT, graph="tests.agent.other_agents:with_approval")
