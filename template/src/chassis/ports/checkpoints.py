"""Where LangGraph keeps a run's state between steps."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver


class Checkpoints(Protocol):
    """The checkpointer of the chosen state store and the preparation of its storage."""

    @property
    def saver(self) -> "BaseCheckpointSaver[str]":
        """The LangGraph saver, open and pooled."""
        ...

    async def prepare(self) -> None:
        """Create or upgrade the storage; called by the migration step, which sees to it that it runs once at a time."""
        ...
