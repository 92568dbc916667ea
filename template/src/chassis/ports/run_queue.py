"""The wake-up call. The row in the database is the truth; the queue only says that there is one to look at."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID


class RunQueue(Protocol):
    """Carries ids from whoever accepted a run to any one worker.

    Nothing here has to be reliable: a lost, repeated or late message costs latency only, because workers also poll.
    """

    async def publish(self, run_id: UUID) -> None:
        """Announce a run; raise `UnavailableError` when the broker does not take it."""
        ...

    def listen(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """While the context is open, call `wake` in this event loop for announcements that reach this process."""
        ...

    async def depth(self) -> int | None:
        """Count the messages that wait at the broker, or None where there is none; raise `UnavailableError` when it is away.

        Not the number of jobs: messages may be lost and repeated. It is what an autoscaler that looks at the broker sees.
        """
        ...

    async def check(self) -> None:
        """Raise `UnavailableError` when the broker cannot be reached; bounded to about a second."""
        ...
