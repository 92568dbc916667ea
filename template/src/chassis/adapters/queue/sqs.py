"""Celery on Amazon SQS, as the role that the platform gives this workload."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from chassis.adapters._aws_identity import LOGIN, AwsClient, code_of
from chassis.adapters._celery_queue import THREADS, TIMEOUT_SECONDS, Broker, open_celery
from chassis.adapters._sqs_transport import ERRORS, OPTIONS, sqs_transport
from chassis.adapters.queue.sqs_settings import QueueSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.run_queue import RunQueue

TIMES = Config(
    connect_timeout=TIMEOUT_SECONDS,
    read_timeout=TIMEOUT_SECONDS,  # longer than a listener's request waits for messages
    retries={"mode": "standard", "total_max_attempts": 1},  # the outbox and the listener try again
    max_pool_connections=THREADS + 2,
)


@asynccontextmanager
async def open_queue(settings: QueueSettings, context: AdapterContext) -> AsyncIterator[RunQueue]:
    """Open the queue; nothing is asked for until the first message.

    How long a fetched message is hidden is the queue's own property: ours are deleted when they are fetched.
    """
    client = AwsClient("sqs", settings, TIMES)
    broker = Broker(
        url="sqs://",
        settings={
            "broker_transport": sqs_transport(client, settings.url),
            "broker_transport_options": OPTIONS,
        },
        errors=ERRORS,
        was_cut=_was_cut,
    )
    try:
        async with open_celery(context.service, broker) as queue:
            yield queue
    finally:
        client.close()


def _was_cut(error: BaseException) -> bool:
    """Say so of a login, too, that was good until now."""
    found = error.__cause__ or error  # kombu wraps some of them
    return isinstance(found, ConnectionClosedError) or (isinstance(found, ClientError) and code_of(found) in LOGIN)
