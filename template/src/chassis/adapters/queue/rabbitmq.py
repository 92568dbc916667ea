"""Celery on RabbitMQ: one quorum queue, and every publish confirmed by the broker."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from amqp.exceptions import AccessRefused, AMQPError, MessageNacked, RecoverableConnectionError
from kombu.transport import pyamqp

from chassis.adapters._broker_password import BrokerPassword
from chassis.adapters._celery_queue import TIMEOUT_SECONDS, Broker, open_celery
from chassis.adapters.queue.rabbitmq_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import secret_name

HEARTBEAT_SECONDS = 20
"""The time-out that is asked for: after so long without a sign of life the other side is taken for unreachable
(rabbitmq.com/docs/heartbeats, "Heartbeat Timeout Value")."""

CLOSED = "Server unexpectedly closed connection"
"""What py-amqp 5.4 says, and has no class of error for."""

TRY_AGAIN = (RecoverableConnectionError, MessageNacked, ConnectionResetError, BrokenPipeError)
"""How a connection ends, or what a publish can learn before it does: that the broker does not take the message."""


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue.

    It is a quorum queue: replicated where the broker is a cluster, and on disk. RabbitMQ's own limit for messages that are
    not confirmed (30 minutes) meets none, since ours are confirmed when they arrive.
    """
    options = {"confirm_publish": True, "write_timeout": TIMEOUT_SECONDS}
    broker = Broker(
        url=str(settings.url),
        settings={
            "broker_transport_options": options,
            "broker_heartbeat": HEARTBEAT_SECONDS,
            **_login(settings, context),
        },
        queue_arguments={"x-queue-type": "quorum"},
        errors=(AMQPError,),
        was_cut=_was_cut,
    )
    async with open_celery(context.service, broker) as queue:
        yield queue


def _login(settings: QueueSettings, context: AdapterContext) -> dict[str, Any]:
    """Give what differs with a password and with TLS."""
    login: dict[str, Any] = {}
    url = urlsplit(str(settings.url))
    if settings.password:
        login["broker_transport"] = _asking_transport(BrokerPassword(secret_name(settings.password), context.secrets))
    if url.scheme == "amqps":
        # Said outright: py-amqp 5 checks the certificate's host only where it is told the name (amqp/transport.py).
        login["broker_use_ssl"] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": url.hostname}
    return login


def _asking_transport(password: BrokerPassword) -> type[pyamqp.Transport]:
    """Give a transport for kombu whose connections log in with the password of the moment, and once more if it is refused.

    It is a class of its own each time, because kombu shares connections between all whose transport and address are the same.
    """

    class Transport(pyamqp.Transport):
        def establish_connection(self) -> Any:
            connecting: Any = super()
            client: Any = self.client
            client.password = password.read  # kombu calls what can be called
            try:
                return connecting.establish_connection()
            except AccessRefused:
                if not password.renew():
                    raise
                return connecting.establish_connection()

    return Transport


def _was_cut(error: BaseException) -> bool:
    found = error.__cause__ or error  # kombu wraps some of them
    return (
        isinstance(found, RecoverableConnectionError | ConnectionResetError | BrokenPipeError) or str(found) == CLOSED
    )
