"""What `src/agent` tells the chassis about itself."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, UUID, uuid5

from chassis.jobs.schedule import Schedule
from chassis.jobs.tables import AGENT_RUN
from chassis.ports.errors import ConfigurationError

SECOND = dt.timedelta(seconds=1)
TASK_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """The agent, as import strings: the API process reads this without loading LangGraph.

    graph: a function that takes `chassis.api.graph.GraphDependencies` and returns a compiled graph.
    routes: a FastAPI router with the domain's endpoints.
    models: the module with the domain's tables.
    seed: a coroutine function that takes a session and a principal and adds example data; used by `make run` only.
    tasks: background tasks by name, each a coroutine function that takes `chassis.api.TaskContext`.
    schedules: tasks that are done now and then, by the name of the schedule.
    state_types: classes of your own that the graph's state may hold, such as `agent.models:Priority`; a checkpoint with any
        other one, besides LangChain's messages and Python's plain types, is refused.
    roles: which permissions each role grants, on top of the chassis' own.
    """

    name: str
    description: str
    graph: str
    routes: str
    models: str
    seed: str | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    state_types: tuple[str, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names of tasks that could not be told from other kinds of jobs, or not be typed."""
        wrong = sorted(name for name in self.tasks if name == AGENT_RUN or not TASK_NAME.match(name))
        if wrong:
            message = (
                f"AgentSpec.tasks cannot name {', '.join(repr(name) for name in wrong)}: a task's name is lower-case letters, "
                f"digits and _, at most 63, and '{AGENT_RUN}' is that of the agent's runs."
            )
            raise ConfigurationError(message)
        for name, schedule in self.schedules.items():
            self._require_usable(name, schedule)

    def _require_usable(self, name: str, schedule: Schedule) -> None:
        if not TASK_NAME.match(name):
            message = (
                f"AgentSpec.schedules cannot name {name!r}: a name is lower-case letters, digits and _, at most 63."
            )
            raise ConfigurationError(message)
        if schedule.task not in self.tasks:
            names = ", ".join(sorted(self.tasks)) or "none"
            message = f"The schedule '{name}' has the task '{schedule.task}' done; AgentSpec.tasks names {names}."
            raise ConfigurationError(message)
        if schedule.every < SECOND:
            message = f"The schedule '{name}' is due every {schedule.every}; it has to be a second or more."
            raise ConfigurationError(message)

    @property
    def assistant_id(self) -> UUID:
        """The assistant's id: the same in every process and release, computed from the name (RFC 9562 version 5)."""
        return uuid5(NAMESPACE_URL, f"assistant:{self.name}")
