"""The agent as an assistant of the LangGraph Server API: one, the same in every process."""

from typing import Any

from fastapi import APIRouter

from chassis.agent_spec import AgentSpec
from chassis.http.access import can
from chassis.http.dependencies import ContainerDependency
from chassis.http.schemas import AssistantOut
from chassis.identity.roles import RUNS_READ
from chassis.ports.errors import NotFoundError

router = APIRouter(prefix="/assistants", tags=["assistants"], dependencies=[can(RUNS_READ)])


def assistant_of(agent: AgentSpec) -> AssistantOut:
    """Describe the agent."""
    return AssistantOut(
        assistant_id=agent.assistant_id, graph_id=agent.name, name=agent.name, description=agent.description
    )


def require_assistant(agent: AgentSpec, assistant_id: str) -> None:
    """Raise `NotFoundError` unless `assistant_id` is the agent's id or name."""
    if assistant_id not in (str(agent.assistant_id), agent.name):
        message = f"There is no such assistant; this service has '{agent.name}'."
        raise NotFoundError(message)


@router.post("/search")
async def search_assistants(container: ContainerDependency, _query: dict[str, Any]) -> list[AssistantOut]:
    """List the one assistant there is."""
    return [assistant_of(container.agent)]


@router.get("/{assistant_id}")
async def get_assistant(assistant_id: str, container: ContainerDependency) -> AssistantOut:
    """Describe the assistant."""
    require_assistant(container.agent, assistant_id)
    return assistant_of(container.agent)
