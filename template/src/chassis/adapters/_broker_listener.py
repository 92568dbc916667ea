"""Consumes a broker's queue in a thread, and says that something came.

kombu's consumer rather than Celery's worker, which is made to be a process: its wish to stop and its event loop belong to the
process and not to the worker, it must be stopped by the thread that consumes (from another one it waited for ever for an answer
of RabbitMQ's that the consuming thread had read), and on a quorum queue it declares 28 exchanges for tasks that are delayed.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

import structlog
from kombu import Connection, Message, Queue
from kombu.exceptions import OperationalError
from kombu.mixins import ConsumerMixin

log = structlog.get_logger()

LONGEST_PAUSE = 10
"""Between two attempts to reach the broker, in seconds; the first pause is one second, and each is a second longer."""
PREFETCH = 16


class _EndedError(Exception):
    """Somebody wants this listener to end while it cannot reach the broker."""


class BrokerListener(ConsumerMixin):
    """Calls `wake` for each message that `expected` recognises. A message is confirmed before anything is done about it."""

    def __init__(
        self, connection: Connection, queue: Queue, expected: Callable[[Message], bool], wake: Callable[[], object]
    ) -> None:
        """Use `connection` as a description; the thread opens its own."""
        self.connection = connection
        self._queue = queue
        self._expected = expected
        self._wake = wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to consume, in a thread."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End within about a second; give up to wait after so many, which a broker that hangs in the middle of a word needs."""
        self.should_stop = True
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        consume: Any = self.consume  # the stubs forget that it yields
        lost: tuple[type[BaseException], ...] = (
            OperationalError,
            *self.connection.connection_errors,
            *self.connection.channel_errors,
        )
        pause = 0
        while not self.should_stop:
            begun = time.monotonic()
            try:
                for _ in consume(limit=None):
                    pass
            except _EndedError:
                return
            except lost as error:
                # One that is let in and may not consume comes here each time, and is to come ever more rarely.
                pause = 1 if time.monotonic() - begun > LONGEST_PAUSE else min(pause + 1, LONGEST_PAUSE)
                log.warning("queue.connection_lost", error=_words(error), retry_seconds=pause)
            except Exception:  # such as a message that the transport itself cannot read
                pause = 1
                log.warning("queue.listening_anew", exc_info=True)
            self._stopping.wait(pause)

    def get_consumers(self, Consumer: Callable[..., Any], channel: Any) -> Sequence[Any]:  # noqa: N803 - kombu's name
        """Say what to consume."""
        return [Consumer([self._queue], on_message=self._on_message, accept=["json"], prefetch_count=PREFETCH)]

    def _on_message(self, message: Message) -> None:
        message.ack()
        if self._expected(message):
            self._wake()
        else:
            log.warning("queue.foreign_message", size=len(message.body or ""))

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:  # type: ignore[override]  # the stubs forget the context
        """Connect, however long it takes, unless this is to end; say each time why it is not possible."""
        with self.create_connection() as connection:
            for pause in chain(range(1, LONGEST_PAUSE), repeat(LONGEST_PAUSE)):
                try:
                    connection.ensure_connection(max_retries=1, interval_start=0)
                    break
                except Exception as error:  # noqa: BLE001 - whatever the client of this broker calls it
                    log.warning("queue.unreachable", error=_words(error), retry_seconds=pause)
                if self._stopping.wait(pause):
                    raise _EndedError
            yield connection


def _words(error: BaseException) -> str:
    return str(error) or type(error.__cause__ or error).__name__
