"""Celery on Redis or Valkey: a task carries a run id and wakes the worker's claim loop."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError

from chassis.adapters._redis_credentials import BrokerCredentials, asking_transport, was_cut
from chassis.adapters.queue.redis_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import secret_name

TASK = "chassis.wake"
TIMEOUT_SECONDS = 2
STOP_SECONDS = 5.0
VISIBILITY_SECONDS = 60
"""After so long Redis' transport gives a message that was fetched and not confirmed to somebody else. Ours are confirmed when they
are fetched, however long the job, so this is about consumers that die in between; kombu's own hour would be an hour."""


class CeleryQueue:
    """Publishes run ids as Celery tasks; the row in the database, not the message, is what gets executed."""

    def __init__(self, app: Celery) -> None:
        """Use `app` for publishing and consuming."""
        self._app = app
        self._wakers: set[Callable[[], object]] = set()
        app.task(name=TASK, shared=False)(self._wake)

    async def publish(self, run_id: UUID) -> None:
        """Send one task; a broker that is down is an error at once, the outbox tries again.

        A connection that is cut halfway, as one whose password was taken away can be, is not: the task is sent once more.
        Nobody minds one that arrives twice.
        """
        try:
            await asyncio.to_thread(self._send, run_id)
        except (OperationalError, OSError) as error:
            if not was_cut(error):
                raise UnavailableError from error
        else:
            return
        try:
            await asyncio.to_thread(self._send, run_id)
        except (OperationalError, OSError) as error:
            raise UnavailableError from error

    def _send(self, run_id: UUID) -> None:
        self._app.send_task(TASK, args=[str(run_id)], ignore_result=True, retry=False)

    @asynccontextmanager
    async def listen(self, wake: Callable[[], None]) -> AsyncIterator[None]:
        """Consume in a thread: each message calls `wake` in this event loop, and is done with."""
        loop = asyncio.get_running_loop()

        def waker() -> None:
            loop.call_soon_threadsafe(wake)

        # The controller rather than Celery's command-line worker, which takes over signals and logging.
        worker = self._app.WorkController(pool="solo", without_gossip=True, without_mingle=True)

        def consume() -> None:
            self._app.set_current()  # Celery looks tasks up in the thread's current app
            worker.start()

        thread = threading.Thread(target=consume, name="celery", daemon=True)
        self._wakers.add(waker)
        thread.start()
        try:
            yield
        finally:
            self._wakers.discard(waker)
            await asyncio.to_thread(worker.stop)
            await asyncio.to_thread(thread.join, STOP_SECONDS)

    def _wake(self, _run_id: str) -> None:
        for waker in tuple(self._wakers):
            waker()

    async def depth(self) -> int | None:
        """Ask for the length of the queue."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._waiting), TIMEOUT_SECONDS)
        except (OperationalError, OSError) as error:
            raise UnavailableError from error

    def _waiting(self) -> int:
        with self._app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT_SECONDS)
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=self._app.conf.task_default_queue).message_count)

    async def check(self) -> None:
        """Open a connection to the broker."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._connect), TIMEOUT_SECONDS)
        except (OperationalError, OSError) as error:
            raise UnavailableError from error

    def _connect(self) -> None:
        with self._app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT_SECONDS)


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Configure Celery for ids only: no results, no remote control, nothing but JSON."""
    app = Celery(context.service, broker=str(settings.url), set_as_current=False)
    app.conf.update(
        **_login(settings, context),
        task_default_queue=f"{context.service}.runs",
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        # No task is long or acknowledged late; without an answer Celery 5.7 warns at each lost connection.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=TIMEOUT_SECONDS,
        broker_transport_options={
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "visibility_timeout": VISIBILITY_SECONDS,
        },
    )
    try:
        yield CeleryQueue(app)
    finally:
        await asyncio.to_thread(app.close)


def _login(settings: QueueSettings, context: AdapterContext) -> dict[str, Any]:
    """Give what differs with a password and with TLS."""
    login: dict[str, Any] = {}
    url = urlsplit(str(settings.url))
    if settings.password:
        user = unquote(url.username or "default")
        credentials = BrokerCredentials(user, secret_name(settings.password), context.secrets)
        login["broker_transport"] = asking_transport(credentials)
    if url.scheme == "rediss":
        # Said outright: kombu 5.7 checks no certificate for rediss:// without options ("defaulting to insecure SSL
        # behaviour", kombu/connection.py), and asks for no TLS at all where the transport is given as a class.
        login["broker_use_ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return login
