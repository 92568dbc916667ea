"""Topics and subscriptions as Pub/Sub keeps them, in memory.

Where each behaviour is documented, `tests/chassis/broker/pubsub/test_pubsub_fake.py` says and compares.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import grpc
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage, Subscription

NAME = re.compile(r"projects/[^/]+/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
DEADLINES = range(10, 601)
"""What a subscription's deadline may be, in seconds; 0 stands for the shortest."""
LOOK_SECONDS = 0.1
"""Between two looks of a waiting pull, at deadlines that are over and at a client that is gone."""


class RefusedError(Exception):
    """Pub/Sub answers with this status and these words."""

    def __init__(self, status: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass
class Held:
    """A subscription's messages: those that wait, and those that were given away until a moment of the clock."""

    properties: Subscription
    waiting: deque[PubsubMessage] = field(default_factory=deque)
    given: dict[str, tuple[float, PubsubMessage]] = field(default_factory=dict)

    def take_back(self, now: float) -> None:
        """Let what was not confirmed in time wait again."""
        late = [ack_id for ack_id, (until, _) in self.given.items() if until <= now]
        for ack_id in late:
            self.waiting.append(self.given.pop(ack_id)[1])


class Store:
    """All topics and subscriptions; threads share it."""

    def __init__(self, pace: float = 1, clock: Callable[[], float] = time.monotonic) -> None:
        """Let deadlines pass `pace` times as fast as they would."""
        self._pace = pace
        self._clock = clock
        self._numbers = count(1)
        self._changed = threading.Condition()
        self.topics: set[str] = set()
        self.subscriptions: dict[str, Held] = {}

    def create_topic(self, name: str) -> None:
        """Make a topic."""
        _check_name(name)
        with self._changed:
            if name in self.topics:
                raise _exists(name)
            self.topics.add(name)

    def create_subscription(self, properties: Subscription) -> None:
        """Make a subscription; it gets what is published from now on."""
        _check_name(properties.name)
        properties.ack_deadline_seconds = properties.ack_deadline_seconds or DEADLINES[0]
        if properties.ack_deadline_seconds not in DEADLINES:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "The ack deadline must be from 10 to 600 seconds.")
        with self._changed:
            self._known_topic(properties.topic)
            if properties.name in self.subscriptions:
                raise _exists(properties.name)
            self.subscriptions[properties.name] = Held(properties)

    def publish(self, topic: str, messages: Sequence[PubsubMessage]) -> list[str]:
        """Give each subscription of the topic a copy, and each message an id."""
        if not messages or any(not message.data and not message.attributes for message in messages):
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "A message needs data or an attribute.")
        with self._changed:
            self._known_topic(topic)
            for message in messages:
                message.message_id = str(next(self._numbers))
            for held in self.subscriptions.values():
                if held.properties.topic == topic:
                    held.waiting.extend(messages)
            self._changed.notify_all()
        return [message.message_id for message in messages]

    def pull(self, name: str, most: int, seconds: float, wanted: Callable[[], bool]) -> list[ReceivedMessage]:
        """Give away what waits; where nothing does, wait so many seconds at most, and no longer than it is wanted."""
        if most < 1:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "max_messages must be positive.")
        end = self._clock() + seconds
        with self._changed:
            while True:
                held = self.known(name)
                held.take_back(self._clock())
                if held.waiting and wanted():
                    return [self._give(held) for _ in range(min(most, len(held.waiting)))]
                if self._clock() >= end or not wanted():
                    return []
                self._changed.wait(LOOK_SECONDS)

    def acknowledge(self, name: str, ack_ids: Sequence[str]) -> None:
        """Forget messages; an id whose deadline is over, or that was confirmed before, is no error."""
        with self._changed:
            held = self.known(name)
            held.take_back(self._clock())
            for ack_id in ack_ids:
                held.given.pop(ack_id, None)

    def move_deadline(self, name: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Count the deadline of messages anew; with 0 they wait again at once."""
        with self._changed:
            held = self.known(name)
            for ack_id in ack_ids:
                if ack_id in held.given:
                    held.given[ack_id] = (self._until(seconds), held.given[ack_id][1])
            held.take_back(self._clock())
            self._changed.notify_all()

    def confirm_all(self, name: str) -> None:
        """Forget everything that was published until now."""
        with self._changed:
            held = self.known(name)
            held.waiting.clear()
            held.given.clear()

    def backlog(self, name: str) -> int | None:
        """Count the messages that nobody has confirmed, whether they were given away or not; None without subscription."""
        with self._changed:
            held = self.subscriptions.get(name)
            return len(held.waiting) + len(held.given) if held else None

    def known(self, name: str) -> Held:
        """Find a subscription."""
        held = self.subscriptions.get(name)
        if held is None:
            raise _absent(name)
        return held

    def _known_topic(self, name: str) -> None:
        if name not in self.topics:
            raise _absent(name)

    def _give(self, held: Held) -> ReceivedMessage:
        message, ack_id = held.waiting.popleft(), f"ack-{next(self._numbers)}"
        held.given[ack_id] = (self._until(held.properties.ack_deadline_seconds), message)
        return ReceivedMessage(ack_id=ack_id, message=message)

    def _until(self, seconds: int) -> float:
        return self._clock() + seconds / self._pace


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"Invalid resource name given (name={name}).")


def _absent(name: str) -> RefusedError:
    return RefusedError(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name.rpartition('/')[2]}).")


def _exists(name: str) -> RefusedError:
    return RefusedError(
        grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists (resource={name.rpartition('/')[2]})."
    )
