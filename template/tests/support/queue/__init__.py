"""What the tests of queues need from each: settings that lead nowhere, a broker of their own, and ways to break it.

The module beside this one that is called like the chosen queue offers them as NOWHERE and, where there is one, `Broker`. The
tests ask for nothing else, so they know no queue by name.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from chassis import selected
from chassis.import_strings import load_object
from chassis.selected import QueueSettings


class Broker(Protocol):
    """A broker of one's own: runs and is empty when it is made."""

    environment: Mapping[str, str]
    """The settings of the service that lead to it."""

    def start(self) -> None:
        """Begin anew at the same place, with nothing in it."""
        ...

    def stop(self) -> None:
        """End."""
        ...

    def hanging(self) -> AbstractContextManager[None]:
        """Take connections and give no answer while the context is open."""
        ...

    def forget(self) -> None:
        """Lose all messages while it runs."""
        ...

    def unconfirmed(self) -> int:
        """Count the messages that were fetched and not confirmed, in all queues."""
        ...

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the next service on, give a message that is not confirmed within a second or two to somebody else."""
        ...

    def put(self, queue: str, body: bytes) -> None:
        """Put a message that this service did not send into a queue of this name."""
        ...


class BrokerWithPassword(Broker, Protocol):
    """One that is a server with users, reached by a URL."""

    url: str
    PUBLISH: bytes
    """What a client's message that publishes contains, and no other."""

    def user(self, name: str, password: str) -> None:
        """Create a user who may do what the service needs."""
        ...

    def rotate(self, name: str, password: str) -> None:
        """Give the user another password, take the old one away and throw out who logged in with it."""
        ...


def new_broker(directory: Path) -> Any:
    """Start a broker of the chosen kind, which keeps its files in this folder."""
    return load_object(f"{_chosen()}:Broker")(directory)


def nowhere(settings: QueueSettings) -> QueueSettings:
    """Give settings for a broker that is not there."""
    return settings.model_copy(update=load_object(f"{_chosen()}:NOWHERE"))


def _chosen() -> str:
    return f"{__name__}.{selected.open_queue.__module__.rpartition('.')[2]}"
