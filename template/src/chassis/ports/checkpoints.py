"""Where LangGraph keeps a run's state between steps."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from chassis.ports.errors import ChassisError

if TYPE_CHECKING:
    import datetime as dt

    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.checkpoint.serde.base import SerializerProtocol

current_thread: ContextVar[str] = ContextVar("current_thread", default="")
"""Set by a saver around each use of its serializer: what is sealed for one thread cannot be opened for another."""


class CheckpointsLostError(ChassisError):
    """The state of this thread is not in the state store any more, or older than what was answered; restore the store, or begin a new thread."""


class ForeignTypeError(ChassisError):
    """A checkpoint holds what is not on the list of types that may be read; nothing of it was loaded."""


class UnknownKeyError(ChassisError):
    """A checkpoint was encrypted with a key that is not in the secret; put the key back, after the newer ones."""

    def __init__(self, detail: str | None = None, key_id: str = "") -> None:
        """Take which key it is."""
        super().__init__(detail)
        self.key_id = key_id


class RenewableSerializer(Protocol):
    """What turns state into bytes and back, and can ask for keys that it does not know yet."""

    @property
    def serde(self) -> "SerializerProtocol":
        """The serializer that LangGraph's savers take."""
        ...

    async def renew(self, error: UnknownKeyError) -> bool:
        """Look for the key that was not known; say whether it is there now, so that reading can be tried again."""
        ...


class Checkpoints(Protocol):
    """The checkpointer of the chosen state store, and the care of what it holds.

    Every write under a `chassis.ports.fence.current_fence` that another worker has overtaken raises `LeaseLostError` and
    leaves nothing behind. A store that does not answer raises `UnavailableError` or the database's own error: never is its
    silence taken for a thread without state.
    """

    @property
    def saver(self) -> "BaseCheckpointSaver[str]":
        """The LangGraph saver, open and pooled."""
        ...

    async def prepare(self) -> None:
        """Create or upgrade the storage; called by the migration step, which sees to it that it runs once at a time."""
        ...

    async def check(self) -> None:
        """Raise `UnavailableError` when the store cannot be reached, `ConfigurationError` when it must not be used."""
        ...

    async def require(self, thread_id: str, checkpoint_id: str) -> None:
        """Raise `CheckpointsLostError` unless the thread has a checkpoint that is not older than this one.

        Whoever continues what has begun calls it first, as a store that was emptied looks like one that was never used.
        """
        ...

    async def prune(self, thread_id: str, keep_last: int) -> int:
        """Delete all but the last checkpoints of each namespace, with what they alone refer to; return how many."""
        ...

    async def prune_older(self, than: "dt.datetime", limit: int) -> int:
        """Delete what is older, in at most `limit` threads, but never the last of a namespace; return how many threads."""
        ...

    async def delete(self, thread_id: str) -> None:
        """Delete everything of a thread."""
        ...
