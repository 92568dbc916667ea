"""What is asked of SQS in particular: which requests it gets, and what a refusal or a message of somebody else's costs."""

import asyncio
import json
import re
import time
from typing import Any
from uuid import uuid4

import pytest
import structlog
from tests.support.aws.sqs_front import SqsFront
from tests.support.aws.sqs_pod import heard, lines, messages_of
from tests.support.queue.sqs import Broker
from tests.support.service import until

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
"""Which characters a message may have: SQS API Reference, "SendMessage"."""


async def test_four_things_are_asked_of_one_queue_and_nothing_is_created(
    broker: Broker, front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    """They are the rights that docs/queue-sqs.md gives to the role; one of the others is refused to it."""
    woken = asyncio.Event()
    async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(woken.set):
        await heard(queue, woken)
        await queue.check()
        await until(lambda: "DeleteMessageBatch" in front.asked)
        assert await queue.depth() == 0
    assert set(front.asked) == {"GetQueueAttributes", "SendMessage", "ReceiveMessage", "DeleteMessageBatch"}
    assert len(front.issued) == 1, "one login is for all connections"
    broker.admin.delete_queue(QueueUrl=broker.url)
    async with open_queue(queue_settings, container.adapter_context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert any("The specified queue does not exist" in said for said in messages_of(caught.value))
    assert "QueueUrls" not in broker.admin.list_queues()


async def test_a_message_is_text_that_sqs_takes(
    broker: Broker, queue_settings: QueueSettings, container: Container
) -> None:
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.publish(uuid4())
    [message] = broker.admin.receive_message(QueueUrl=broker.url)["Messages"]
    assert LEGAL.fullmatch(message["Body"])
    assert len(message["Body"]) < 2000


async def test_a_publish_that_is_refused_is_unavailable(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    front.denied.add("sqs:SendMessage")
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.check()
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert any("not authorized to perform: sqs:sendmessage on resource" in said for said in messages_of(caught.value))
    assert front.asked.count("SendMessage") == 1, "what is not allowed is not tried again at once"


@pytest.mark.parametrize(
    ("action", "event"),
    [
        ("GetQueueAttributes", "queue.unreachable"),
        ("ReceiveMessage", "queue.connection_lost"),
        ("DeleteMessage", "queue.connection_lost"),
    ],
)
async def test_a_listener_that_is_refused_says_which_right_it_misses_and_tries_again(
    broker: Broker,
    front: SqsFront,
    queue_settings: QueueSettings,
    container: Container,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    event: str,
) -> None:
    front.denied.add(f"sqs:{action}")
    broker.hurry(monkeypatch)  # so that what could not be deleted comes again
    broker.put("runs", b"a first message")
    woken = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue, queue.listen(woken.set):
            await until(lambda: len(lines(logs, event)) > 1)
            assert not woken.is_set()
            front.denied.clear()
            await heard(queue, woken)
    assert not lines(logs, "queue.listening_anew")
    assert all(f"not authorized to perform: sqs:{action.lower()} on" in line["error"] for line in lines(logs, event))
    assert all("\n" not in line["error"] for line in lines(logs, event))
    assert [line["retry_seconds"] for line in lines(logs, event)][:2] == [1, 2], "each pause is longer"


async def test_whatever_somebody_else_sent_is_deleted_at_once(
    broker: Broker, queue_settings: QueueSettings, container: Container
) -> None:
    """Bodies that made kombu's own reader raise, so that the batch came back for ever, or whose queue it did not know."""
    bodies: list[Any] = [
        {"properties": 5},
        {"properties": {"delivery_info": 5}},
        {"properties": {"delivery_info": {"routing_key": "another"}}},
        {"properties": {}, "body": "?", "headers": [1]},
        {"properties": {"body_encoding": "none"}, "headers": {"compression": "none"}},
        5,
    ]
    for body in bodies:
        broker.put("runs", json.dumps(body).encode())
    broker.put("runs", b"[" * 100_000)
    with structlog.testing.capture_logs() as logs:
        async with open_queue(queue_settings, container.adapter_context) as queue:
            woken = asyncio.Event()
            async with queue.listen(woken.set):
                await until(lambda: len(lines(logs, "queue.foreign_message")) == len(bodies) + 1)
                assert not woken.is_set()
                await heard(queue, woken)
    assert broker.count("ApproximateNumberOfMessages") + broker.unconfirmed() == 0
    assert not lines(logs, "queue.listening_anew") + lines(logs, "queue.connection_lost")


async def test_a_listener_that_waits_ends_soon(
    front: SqsFront, queue_settings: QueueSettings, container: Container
) -> None:
    async with open_queue(queue_settings, container.adapter_context) as queue:
        async with queue.listen(lambda: None):
            await until(lambda: front.asked.count("ReceiveMessage") > 1)
            begun = time.monotonic()
        assert time.monotonic() - begun < 10  # a fetch waits for 20 s
