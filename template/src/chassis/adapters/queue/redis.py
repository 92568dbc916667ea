"""Celery on Redis or Valkey."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from chassis.adapters._broker_password import BrokerPassword
from chassis.adapters._celery_queue import TIMEOUT_SECONDS, Broker, open_celery
from chassis.adapters._redis_credentials import BrokerCredentials, asking_transport, was_cut
from chassis.adapters.queue.redis_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import secret_name

VISIBILITY_SECONDS = 60
"""After so long Redis' transport gives a message that was fetched and not confirmed to somebody else. Ours are confirmed when they
are fetched, however long the job, so this is about consumers that die in between; kombu's own hour would be an hour."""


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue."""
    options = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "visibility_timeout": VISIBILITY_SECONDS,
    }
    broker = Broker(
        url=str(settings.url),
        settings={"broker_transport_options": options, **_login(settings, context)},
        was_cut=was_cut,
    )
    async with open_celery(context.service, broker) as queue:
        yield queue


def _login(settings: QueueSettings, context: AdapterContext) -> dict[str, Any]:
    """Give what differs with a password and with TLS."""
    login: dict[str, Any] = {}
    url = urlsplit(str(settings.url))
    if settings.password:
        password = BrokerPassword(secret_name(settings.password), context.secrets)
        credentials = BrokerCredentials(unquote(url.username or "default"), password)
        login["broker_transport"] = asking_transport(credentials)
    if url.scheme == "rediss":
        # Said outright: kombu 5.7 checks no certificate for rediss:// without options ("defaulting to insecure SSL
        # behaviour", kombu/connection.py), and asks for no TLS at all where the transport is given as a class.
        login["broker_use_ssl"] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return login
