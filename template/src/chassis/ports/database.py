"""The service's database, as adapters that live in it reach it."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

Connection = TypeVar("Connection")


class Database(Protocol):
    """Knows how to connect with the credentials of the moment, which may change while the service runs."""

    async def conninfo(self) -> str:
        """Give a libpq connection string for a connection that is opened now; it may hold a password."""
        ...

    async def connect(self, attempt: Callable[[str], Awaitable[Connection]]) -> Connection:
        """Call `attempt` with the connection string, and once more with credentials read anew if they were refused."""
        ...

    def on_rotate(self, callback: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Call back whenever there are new credentials, so that connections can be replaced; the result ends that."""
        ...
