"""A namespace: its queues, who may do what, and what is wrong with it at the moment."""

from collections import defaultdict
from typing import Protocol

from chassis.dev.service_bus.queues import LOCK_SECONDS, Queue

SEND, LISTEN = "Send", "Listen"
TOKEN_SECONDS = 20.0
"""So long a connection may do without a token ("Claims-based authorization" in the protocol guide)."""


class Listener(Protocol):
    """A connection that may be waiting for messages."""

    def pump(self, name: str) -> None:
        """Hand out what this queue has."""
        ...

    def cut(self) -> None:
        """End without a word."""
        ...


class Namespace:
    """What all connections share."""

    def __init__(self) -> None:
        """Start with no queue, and with everybody let in."""
        self.queues: defaultdict[str, Queue] = defaultdict(Queue)
        self.connections: set[Listener] = set()
        self.attached: list[str] = []
        """Each link to a queue that was asked for: the claim it needs and the queue's name."""
        self.lock_seconds = LOCK_SECONDS
        self.token_seconds = TOKEN_SECONDS
        self.claims = {SEND, LISTEN}
        """What the roles of whoever shows a token allow."""
        self.tokens: set[str] | None = None
        """The tokens that are accepted; None for any."""
        self.only: set[str] | None = None
        """The queues that exist; None for each that is named."""
        self.refusal: str | None = None
        """The condition with which messages are refused."""

    def accepts(self, token: str) -> bool:
        """Say whether somebody with this token is let in."""
        return bool(token) and (self.tokens is None or token in self.tokens)

    def exists(self, name: str) -> bool:
        """Say whether there is such a queue."""
        return self.only is None or name in self.only

    def put(self, name: str, payload: bytes) -> None:
        """Take a message, and hand out what can be."""
        self.queues[name].put(payload)
        self.pump(name)

    def pump(self, name: str) -> None:
        """Have every connection look at the queue."""
        for connection in tuple(self.connections):
            connection.pump(name)
