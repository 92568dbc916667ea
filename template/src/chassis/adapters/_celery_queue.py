"""Celery on any of kombu's transports: a task carries a run id and wakes the worker's claim loop.

The row in the database, not the message, is what gets executed. So a message is confirmed when it is fetched, before the
work begins, and nothing depends on what a broker promises about messages that are not: no visibility time, lock or
acknowledgement deadline has to be as long as a job, and a worker that dies is found by its lease, not by its broker.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from chassis.adapters._broker_listener import BrokerListener
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue

TASK = "chassis.wake"
TIMEOUT_SECONDS = 2
STOP_SECONDS = 5.0
AT_ONCE: Mapping[str, Any] = {"max_retries": 1, "interval_start": 0, "timeout": TIMEOUT_SECONDS}
"""How to connect where somebody waits: without a pause, which kombu would make for as long as there is time."""
THREADS = 10
"""As many as kombu keeps connections for publishing (`broker_pool_limit`). Ours alone, since all of them wait when a broker hangs."""

T = TypeVar("T")


def _never(_error: BaseException) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Broker:
    """What one broker has that others have not.

    url: for kombu, without a password.
    settings: of Celery, such as `broker_transport_options`.
    queue_arguments: with which the queue is declared.
    declared: whether the service itself makes the queue; not where that needs rights which a service should not have.
    errors: what its client raises when it is away or refuses, besides kombu's error and those of the operating system.
    was_cut: whether such an error means that a connection ended which had been open, so that a second try makes sense.
    """

    url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    queue_arguments: Mapping[str, Any] = field(default_factory=dict)
    declared: bool = True
    errors: tuple[type[Exception], ...] = ()
    was_cut: Callable[[BaseException], bool] = _never


class CeleryQueue:
    """Publishes run ids as Celery tasks."""

    def __init__(self, app: Celery, broker: Broker, threads: Executor) -> None:
        """Use `app` for publishing and consuming, and `threads` for whatever waits for the broker."""
        self._app = app
        self._threads = threads
        self._errors: tuple[type[Exception], ...] = (OperationalError, OSError, *broker.errors)
        self._was_cut = broker.was_cut
        self._queue = app.amqp.queues[app.conf.task_default_queue]

    async def publish(self, run_id: UUID) -> None:
        """Send one task; a broker that is down is an error at once, the outbox tries again."""
        await self._ask(self._publish, str(run_id))

    def _publish(self, run_id: str) -> None:
        """Send it, and once more where a connection that was kept is no longer good, as after its password was taken away.

        The others that were kept can be no better, so the second time is on a new one. Nobody minds a task that arrives twice.
        """
        try:
            with self._app.producer_pool.acquire(block=True, timeout=TIMEOUT_SECONDS) as producer:
                self._send(run_id, producer)
        except self._errors as error:
            if not self._was_cut(error):
                raise
            with self._app.connection_for_write() as connection, connection.Producer() as producer:
                self._send(run_id, producer)

    def _send(self, run_id: str, producer: Any) -> None:
        producer.connection.ensure_connection(**AT_ONCE)
        self._app.send_task(
            TASK,
            args=[run_id],
            producer=producer,
            ignore_result=True,
            retry=False,
            confirm_timeout=TIMEOUT_SECONDS,
        )

    @asynccontextmanager
    async def listen(self, wake: Callable[[], None]) -> AsyncIterator[None]:
        """Consume in a thread: each message calls `wake` in this event loop, and is done with."""
        loop = asyncio.get_running_loop()
        listener = BrokerListener(
            self._app.connection_for_read(heartbeat=self._app.conf.broker_heartbeat),
            self._queue,
            expected=lambda message: (message.headers or {}).get("task") == TASK,
            wake=lambda: loop.call_soon_threadsafe(wake),
        )
        listener.start()
        try:
            yield
        finally:
            await asyncio.to_thread(listener.stop, STOP_SECONDS)

    async def depth(self) -> int | None:
        """Ask for the length of the queue."""
        return await self._ask(self._waiting)

    def _waiting(self) -> int:
        with self._app.connection_for_read() as connection:
            connection.ensure_connection(**AT_ONCE)
            queue: Any = self._queue(connection.default_channel)
            return int(queue.queue_declare().message_count)

    async def check(self) -> None:
        """Open a connection to the broker."""
        await self._ask(self._connect)

    def _connect(self) -> None:
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(**AT_ONCE)

    async def _ask(self, function: Callable[..., T], *given: str) -> T:
        """Call it in a thread, and wait for so long; the thread is done a little later, when the client's own patience ends."""
        # With the caller's context, so that what the client sends belongs to the caller's trace.
        asking = asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, function, *given)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asking
        except self._errors as error:
            raise UnavailableError from error


@asynccontextmanager
async def open_celery(service: str, broker: Broker) -> AsyncIterator[RunQueue]:
    """Configure Celery for ids only: no results, no remote control, nothing but JSON."""
    app = Celery(service, broker=broker.url, set_as_current=False)
    name = f"{service}.runs"
    queue = Queue(name, routing_key=name, queue_arguments=dict(broker.queue_arguments), no_declare=not broker.declared)
    app.conf.update(
        task_default_queue=name,
        task_queues=[queue],
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        broker_connection_timeout=TIMEOUT_SECONDS,
        **broker.settings,
    )
    threads = ThreadPoolExecutor(THREADS, "queue")
    try:
        yield CeleryQueue(app, broker, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(app.close)
