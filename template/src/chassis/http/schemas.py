"""The shapes of the LangGraph Server API, as the stock `langgraph-sdk` clients send and expect them.

Fields of the protocol that this server does not implement are listed and refused with 501: a server that ignores
`webhook` or `after_seconds` silently is worse than one that says so.
"""

import datetime as dt
from typing import Any, ClassVar, Literal, Self, cast, get_args
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from chassis.http.boundary import Boundary, DataClass, Personal
from chassis.ports.errors import UnsupportedError
from chassis.runs.accept import MultitaskStrategy
from chassis.runs.stream_modes import SUPPORTED

Metadata = dict[str, Any]

NOT_IMPLEMENTED = (
    "context", "interrupt_before", "interrupt_after", "webhook", "checkpoint", "checkpoint_id", "after_seconds",
    "feedback_keys", "langsmith_tracer", "strict_resume", "checkpoint_during",
)  # fmt: skip


class ThreadCreate(Boundary):
    """A new thread."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"metadata": {"topic": "printers"}}]})

    thread_id: UUID | None = Field(None, description="an id of your choice; made up when absent")
    metadata: Metadata = Field(default_factory=dict, description="whatever helps you to find the thread again")
    if_exists: Literal["raise", "do_nothing"] = Field("raise", description="what to do when the id is taken")
    supersteps: None = Field(None, description="not supported")
    ttl: None = Field(None, description="not supported")


class ThreadUpdate(Boundary):
    """A change of a thread's metadata; keys that are not named stay."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid")

    metadata: Metadata
    ttl: None = Field(None, description="not supported")


class ThreadSearch(Boundary):
    """Which threads to list, newest first."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid")

    metadata: Metadata = Field(default_factory=dict, description="pairs that a thread's metadata must contain")
    status: Literal["idle", "busy", "interrupted", "error"] | None = None
    limit: int = Field(10, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=100_000)


class ThreadOut(Boundary):
    """A thread."""

    data_class: ClassVar[DataClass] = "internal"

    thread_id: UUID
    created_at: dt.datetime
    updated_at: dt.datetime
    metadata: Metadata
    status: Literal["idle", "busy", "interrupted", "error"]
    values: Personal[dict[str, Any] | None]
    interrupts: Personal[dict[str, Any]]


class ThreadStateOut(Boundary):
    """The state of a thread after its latest step."""

    data_class: ClassVar[DataClass] = "internal"

    values: Personal[Any]
    next: list[str]
    checkpoint: dict[str, Any]
    metadata: Metadata
    created_at: dt.datetime | None
    parent_checkpoint: None = None
    tasks: Personal[list[Any]]
    interrupts: Personal[list[Any]]


class RunCreate(Boundary):
    """A run to execute."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "assistant_id": "agent",
                    "input": {"messages": [{"role": "user", "content": "How many tickets are open?"}]},
                    "stream_mode": ["values", "messages-tuple"],
                }
            ]
        },
    )

    assistant_id: str = Field(description="the assistant's id, or its graph's name", examples=["agent"])
    input: Personal[dict[str, Any] | None] = Field(None, description="the graph's input")
    command: Personal[dict[str, Any] | None] = Field(None, description="resume, update or goto, instead of an input")
    config: dict[str, Any] | None = Field(None, description="tags and recursion_limit are used")
    metadata: Metadata = Field(default_factory=dict)
    stream_mode: list[str] | str | None = Field(
        None, description=f"what the stream records: any of {', '.join(SUPPORTED)}"
    )
    stream_subgraphs: Literal[False] = False
    stream_resumable: bool = Field(default=True, description="every stream of this server is resumable")
    multitask_strategy: str = Field("enqueue", description="enqueue, reject or interrupt, when the thread is busy")
    if_not_exists: Literal["create", "reject"] = Field("reject", description="what to do without such a thread")
    on_disconnect: Literal["continue", "cancel"] = Field(
        "continue", description="what becomes of the run when the client that streams it or waits for it goes away"
    )
    on_completion: Literal["keep", "delete"] = Field("keep", description="only keep is supported")
    durability: Literal["sync"] = Field("sync", description="every step is stored before the next one begins")
    context: Any = None
    interrupt_before: Any = None
    interrupt_after: Any = None
    webhook: Any = None
    checkpoint: Any = None
    checkpoint_id: Any = None
    checkpoint_during: Any = None
    after_seconds: Any = None
    feedback_keys: Any = None
    langsmith_tracer: Any = None
    strict_resume: Any = None

    @property
    def stream_modes(self) -> list[str]:
        """The requested modes as a list."""
        return [self.stream_mode] if isinstance(self.stream_mode, str) else self.stream_mode or []

    @property
    def strategy(self) -> MultitaskStrategy:
        """The strategy, which `require_supported` has checked."""
        return cast("MultitaskStrategy", self.multitask_strategy)

    @model_validator(mode="after")
    def something_to_do(self) -> Self:
        """A run needs either an input or a command."""
        if self.input is None and self.command is None:
            message = "a run needs an input, or a command that resumes an interrupted one"
            raise ValueError(message)
        return self

    def require_supported(self) -> None:
        """Raise `UnsupportedError` for what this server would otherwise have to ignore."""
        refused = [name for name in NOT_IMPLEMENTED if getattr(self, name) is not None]
        refused += [f"stream_mode={mode}" for mode in self.stream_modes if mode not in SUPPORTED]
        if self.multitask_strategy not in get_args(MultitaskStrategy):
            refused.append(f"multitask_strategy={self.multitask_strategy}")
        if self.on_completion != "keep":
            refused.append("on_completion=delete")
        if refused:
            message = f"This server does not support {', '.join(refused)}; leave it out."
            raise UnsupportedError(message)


class RunOut(Boundary):  # type: ignore[no-redef]  # the plugin takes the field kwargs for **kwargs
    """A run."""

    data_class: ClassVar[DataClass] = "internal"

    run_id: UUID
    thread_id: UUID
    assistant_id: UUID
    created_at: dt.datetime
    updated_at: dt.datetime
    status: Literal["pending", "running", "success", "error", "timeout", "interrupted"]
    metadata: Metadata
    kwargs: Personal[dict[str, Any]]
    multitask_strategy: str


class AssistantOut(Boundary):
    """The agent, as the protocol names it."""

    data_class: ClassVar[DataClass] = "public"

    assistant_id: UUID
    graph_id: str
    name: str
    description: str
    config: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    metadata: Metadata = Field(default_factory=dict)
    version: int = 1
    created_at: dt.datetime = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    updated_at: dt.datetime = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
