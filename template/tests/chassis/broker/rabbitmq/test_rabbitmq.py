"""What is asked of RabbitMQ in particular."""

import asyncio
from uuid import uuid4

import pytest
from tests.support.queue.rabbitmq import Broker

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

FULL = '{"max-length": 1, "overflow": "reject-publish"}'


async def test_a_publish_that_the_broker_does_not_take_is_unavailable(broker: Broker, container: Container) -> None:
    """A queue that is full says so in the confirmation, and nowhere else."""
    async with open_queue(settings(broker), container.adapter_context) as queue:
        await queue.publish(uuid4())
        broker.tool("set_policy", "full", ".*", FULL, "--apply-to", "queues")
        several = (queue.publish(uuid4()) for _ in range(5))  # it counts a little late
        answers = await asyncio.gather(*several, return_exceptions=True)
    assert UnavailableError in map(type, answers)


async def test_there_is_one_exchange_with_one_quorum_queue(broker: Broker, container: Container) -> None:
    async with open_queue(settings(broker), container.adapter_context) as queue, queue.listen(lambda: None):
        await queue.publish(uuid4())
        name = f"{container.adapter_context.service}.runs"
        assert broker.tool("list_queues", "--no-table-headers", "name", "type") == [name, "quorum"]
        exchanges = broker.tool("list_exchanges", "--no-table-headers", "name")
    assert [exchange for exchange in exchanges if not exchange.startswith("amq.")] == [name]


def settings(broker: Broker) -> QueueSettings:
    return QueueSettings.model_validate({"url": broker.url}, context={"environment": "test"})
