"""What `src/agent` tells the chassis about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, UUID, uuid5


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """The agent, as import strings: the API process reads this without loading LangGraph.

    graph: a function that takes `chassis.api.graph.GraphDependencies` and returns a compiled graph.
    routes: a FastAPI router with the domain's endpoints.
    models: the module with the domain's tables.
    seed: a coroutine function that takes a session and a principal and adds example data; used by `make run` only.
    tasks: background tasks by name, each a coroutine function that takes `chassis.api.TaskContext`.
    roles: which permissions each role grants, on top of the chassis' own.
    """

    name: str
    description: str
    graph: str
    routes: str
    models: str
    seed: str | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def assistant_id(self) -> UUID:
        """The assistant's id: the same in every process and release, computed from the name (RFC 9562 version 5)."""
        return uuid5(NAMESPACE_URL, f"assistant:{self.name}")
