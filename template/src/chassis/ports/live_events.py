"""Tells whoever follows a run that its log has grown. Events themselves are read from the log, by id."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

Grown = Callable[[UUID | None], None]
"""Called with the run whose log has grown, or with None when some notifications may have been missed."""


class LiveEvents(Protocol):
    """Notifications between processes; a lost one costs followers their polling interval, never an event."""

    async def notify(self, run_id: UUID) -> None:
        """Say that the log of `run_id` has grown; raise `UnavailableError` when that cannot be said."""
        ...

    async def check(self) -> None:
        """Raise `UnavailableError` when the state store, which carries them, does not answer; whoever asks bounds the wait."""
        ...

    def listen(self, grown: Grown) -> AbstractAsyncContextManager[None]:
        """While the context is open, call `grown` in this event loop for whatever any process notifies.

        One connection, however many runs are followed. It is opened again when it was lost, and `grown(None)` called then.
        """
        ...
