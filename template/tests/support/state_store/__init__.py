"""What the contract suites need from each state store: one of its own, and ways to look into it and to break it.

The module beside this one that is called like the chosen adapter offers it as `open_store`.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol

from chassis import selected
from chassis.import_strings import load_object
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings


class StateStore(Protocol):
    """The chosen state store, prepared, with nothing in it."""

    settings: Settings
    context: AdapterContext

    async def raw(self) -> bytes:
        """Give all that it holds, as it lies there."""
        ...

    async def count(self, thread_id: str) -> int:
        """Give how many values it holds for a thread, of whatever kind."""
        ...

    async def forget(self) -> None:
        """Lose everything at once, as a server does that was emptied or came back without its data."""
        ...

    async def alter(self, thread_id: str, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
        """Change the form and the bytes of each value of a thread, as somebody would who can write to the store."""
        ...

    async def move(self, thread_id: str, to: str) -> None:
        """Take the values of a thread into another one, as they are."""
        ...

    def outage(self) -> AbstractContextManager[None]:
        """Make the store unreachable while the context is open; connections that are open break."""
        ...


OpenStore = Callable[[Settings, AdapterContext], AbstractAsyncContextManager[StateStore]]


def open_state_store(settings: Settings, context: AdapterContext) -> AbstractAsyncContextManager[StateStore]:
    """Open one of the chosen kind."""
    choice = selected.CHECKPOINTS.partition(":")[0].rpartition(".")[2]
    opened: AbstractAsyncContextManager[StateStore] = load_object(f"{__name__}.{choice}:open_store")(settings, context)
    return opened
