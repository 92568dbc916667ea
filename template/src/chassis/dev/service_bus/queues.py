"""Queues with locks: "Message transfers, locks, and settlement" and "Overview of Service Bus dead-letter queues".

Both are below learn.microsoft.com/azure/service-bus-messaging: message-transfers-locks-settlement, service-bus-dead-letter-queues.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DELIVERIES = 10
LOCK_SECONDS = 60.0


@dataclass
class Stored:
    """A message in a queue."""

    sequence: int
    payload: bytes
    enqueued: float = field(default_factory=time.time)
    deliveries: int = 0
    """How often it was handed out and came back."""
    lock: uuid.UUID | None = None
    locked_until: float = 0.0


class Queue:
    """Messages in the order in which they came; one that is locked keeps its place."""

    def __init__(self) -> None:
        """Start empty."""
        self._messages: dict[int, Stored] = {}
        self._last = 0
        self.dead: list[Stored] = []

    def put(self, payload: bytes) -> None:
        """Add a message."""
        self._last += 1
        self._messages[self._last] = Stored(self._last, payload)

    def take(self, lock_seconds: float | None) -> Stored | None:
        """Hand out the first that is free: locked for so long, or gone for good without a time."""
        self.expire()
        found = next((one for one in self._messages.values() if one.lock is None), None)
        if found and lock_seconds is None:
            del self._messages[found.sequence]
        elif found and lock_seconds is not None:
            found.lock, found.locked_until = uuid.uuid4(), time.time() + lock_seconds
        return found

    def settle(self, lock: uuid.UUID, *, done: bool, counts: bool = True) -> bool:
        """End a lock: the message is done with, or free again, and dead after too many deliveries; False for a lost lock."""
        self.expire()
        found = next((one for one in self._messages.values() if one.lock == lock), None)
        if found is None:
            return False
        found.lock = None
        found.deliveries += counts
        if done or found.deliveries >= MAX_DELIVERIES:
            del self._messages[found.sequence]
        if not done and found.deliveries >= MAX_DELIVERIES:
            self.dead.append(found)
        return True

    def expire(self) -> None:
        """Free what was locked for too long."""
        for one in tuple(self._messages.values()):
            if one.lock is not None and one.locked_until <= time.time():
                one.locked_until = float("inf")
                self.settle(one.lock, done=False)

    def browse(self, sequence: int) -> Iterator[Stored]:
        """Give every message from this number on, locked or not."""
        return (one for one in self._messages.values() if one.sequence >= sequence)

    def locked(self) -> int:
        """Count the messages that are handed out and not settled."""
        self.expire()
        return sum(one.lock is not None for one in self._messages.values())

    def clear(self) -> None:
        """Forget all messages."""
        self._messages.clear()
