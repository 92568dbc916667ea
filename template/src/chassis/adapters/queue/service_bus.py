"""Celery on Azure Service Bus: one queue that exists, used as the identity that the platform gives this service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from azure.core.pipeline.transport import RequestsTransport

from chassis.adapters._celery_queue import Broker, open_celery
from chassis.adapters._service_bus_links import LISTEN, SEND, TIMEOUT_SECONDS, TOKEN_SECONDS, QueueLinks, was_cut
from chassis.adapters._service_bus_transport import transport_to
from chassis.adapters.queue.service_bus_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.run_queue import RunQueue


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue; no server is needed until it is used.

    kombu has an address for reading and one for writing: ours differ in what the one link of a connection is for, since to send and
    to listen are two rights, and a connection that opened both would be two.
    """
    tokens = RequestsTransport(connection_timeout=TIMEOUT_SECONDS, read_timeout=TOKEN_SECONDS)
    tokens.open()
    links = QueueLinks(settings, f"{context.service}.runs", tokens)
    address = f"amqps://{links.host}"
    broker = Broker(
        url=address,
        settings={
            "broker_transport": transport_to(links),
            "broker_read_url": f"{address}/{LISTEN}",
            "broker_write_url": f"{address}/{SEND}",
        },
        was_cut=was_cut,
    )
    try:
        async with open_celery(context.service, broker) as queue:
            yield queue
    finally:
        await asyncio.to_thread(tokens.close)
