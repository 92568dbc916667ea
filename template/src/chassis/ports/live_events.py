"""Tells whoever follows a run that its log has grown. Events themselves are read from the log, by id."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID


class LiveEvents(Protocol):
    """Notifications between processes; a lost one costs the follower its polling interval, never an event."""

    async def notify(self, run_id: UUID) -> None:
        """Say that the log of `run_id` has grown."""
        ...

    def subscribe(self, run_id: UUID) -> AbstractAsyncContextManager[Callable[[float], Awaitable[None]]]:
        """Give a function that waits for the next notification of `run_id`, or for so many seconds, whichever is first."""
        ...
