"""Celery on Google Cloud Pub/Sub, with the identity that the platform gives this workload."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.adapters._celery_queue import Broker, open_celery
from chassis.adapters._pubsub_client import PubSub
from chassis.adapters._pubsub_errors import PubSubError
from chassis.adapters._pubsub_transport import transport_to
from chassis.adapters.queue.pubsub_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.run_queue import RunQueue

TOPIC, SUBSCRIPTION = "pubsub://topic", "pubsub://subscription"
"""What the transport is to reach; where that is, the settings say and not a URL."""


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue; nothing is asked for until it is used, and nothing is ever created."""
    pubsub = PubSub(settings)
    broker = Broker(
        url=TOPIC,
        settings={
            "broker_transport": transport_to(pubsub),
            "broker_read_url": SUBSCRIPTION,
            "broker_write_url": TOPIC,
        },
        declared=False,
        errors=(PubSubError,),
    )
    try:
        async with open_celery(context.service, broker) as queue:
            yield queue
    finally:
        pubsub.close()
