"""What is asked of Service Bus in particular: which rights are needed, what is said when they are missing, what is never done."""

import asyncio
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import pytest
import structlog
from tests.support.queue.service_bus import Broker, settings_for
from tests.support.service import until

from chassis.adapters import _service_bus_transport as transport
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.selected import open_queue

pytestmark = pytest.mark.slow

FULL = "amqp:resource-limit-exceeded"
BUSY = "com.microsoft:server-busy"


@pytest.fixture
def name(context: AdapterContext) -> str:
    return f"{context.service}.runs"


async def test_nothing_is_created_and_nothing_administered(broker: Broker, context: AdapterContext, name: str) -> None:
    broker.tell("exist another")
    async with open_queue(settings_for(broker), context) as queue:
        for asked in (queue.publish(uuid4()), queue.depth(), queue.check()):
            with pytest.raises(UnavailableError) as caught:
                await asked
            expected = f"The queue {name} of localhost does not exist; create it, since the service does not."
            assert str(caught.value.__cause__) == expected
    assert set(broker.tell("attached").split()) == {f"Send:{name}", f"Listen:{name}"}


async def test_each_side_needs_its_own_right_alone(broker: Broker, context: AdapterContext) -> None:
    async with open_queue(settings_for(broker), context) as queue:
        broker.tell("claims Send")
        await queue.publish(uuid4())
        with pytest.raises(UnavailableError) as caught:
            await queue.depth()
        assert "the role Azure Service Bus Data Receiver" in str(caught.value.__cause__)
    async with open_queue(settings_for(broker), context) as queue:
        broker.tell("claims Listen")
        assert await queue.depth() == 1
        woken = asyncio.Event()
        async with queue.listen(woken.set):
            await asyncio.wait_for(woken.wait(), 60)
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
        assert "the role Azure Service Bus Data Sender" in str(caught.value.__cause__)


async def test_a_listener_without_the_right_says_so_and_waits_longer_each_time(
    broker: Broker, context: AdapterContext, name: str
) -> None:
    broker.tell("claims Send")
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(settings_for(broker), context) as queue, queue.listen(woken.set):
            await until(lambda: len(refusals(logs)) > 1)
            broker.tell("claims Send Listen")
            await queue.publish(uuid4())
            await asyncio.wait_for(woken.wait(), 60)
    sentence = (
        f"The queue {name} of localhost refuses to let this service listen; "
        "give its identity the role Azure Service Bus Data Receiver on it."
    )
    assert {refusal["error"] for refusal in refusals(logs)} == {sentence}
    assert [refusal["retry_seconds"] for refusal in refusals(logs)][:2] == [1, 2]


def refusals(logs: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"] == "queue.unreachable"]


@pytest.mark.parametrize(
    ("condition", "words"), [(FULL, "takes no more messages"), (BUSY, "ServiceBusServerBusyError")]
)
async def test_a_publish_that_is_refused_is_unavailable(
    broker: Broker, context: AdapterContext, condition: str, words: str
) -> None:
    async with open_queue(settings_for(broker), context) as queue:
        await queue.publish(uuid4())
        broker.tell(f"refuse {condition}")
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
        assert words in str(caught.value.__cause__)
        broker.tell("refuse")
        await queue.publish(uuid4())
        assert await queue.depth() == 2


async def test_connections_that_were_cut_cost_no_publish(broker: Broker, context: AdapterContext) -> None:
    """As Service Bus cuts those that were idle for some minutes."""
    async with open_queue(settings_for(broker), context) as queue:
        for count in range(1, 4):
            await queue.publish(uuid4())
            broker.tell("cut")
            assert await queue.depth() == count


async def test_what_is_counted_is_bounded(
    broker: Broker, context: AdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "PAGE", 2)
    monkeypatch.setattr(transport, "MOST", 5)
    async with open_queue(settings_for(broker), context) as queue:
        for expected in (1, 2, 3, 4, 5, 5):
            await queue.publish(uuid4())
            assert await queue.depth() == expected


async def test_what_is_received_is_gone_and_was_never_locked(broker: Broker, context: AdapterContext) -> None:
    woken = 0

    def wake() -> None:
        nonlocal woken
        woken += 1

    async with open_queue(settings_for(broker), context) as queue:
        for _ in range(20):
            await queue.publish(uuid4())
        async with queue.listen(wake):
            await until(lambda: woken == 20)
            assert broker.unconfirmed() == 0
        assert await queue.depth() == 0
