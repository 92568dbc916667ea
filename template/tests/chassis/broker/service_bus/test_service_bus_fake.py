"""What stands in for Service Bus does what Microsoft says of it, seen by Microsoft's client.

[guide] "AMQP 1.0 in Azure Service Bus and Event Hubs protocol guide", [settlement] "Message transfers, locks, and settlement",
[dead] "Overview of Service Bus dead-letter queues", [browse] "Message browsing", [request] "AMQP 1.0 in Azure Service Bus:
request-response-based operations", [rights] "Rights required for Service Bus operations" in "Shared Access Signatures"; all below
learn.microsoft.com/azure/service-bus-messaging. Not kept to: what a token says is not looked into, links are not dropped when it
expires, dead letters cannot be read, and there are neither sessions, topics, schedules nor transactions.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusReceiveMode
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    ServiceBusAuthorizationError,
    ServiceBusConnectionError,
    ServiceBusError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
)
from tests.support.queue.service_bus import Broker

pytestmark = pytest.mark.slow

DELETING = ServiceBusReceiveMode.RECEIVE_AND_DELETE


@pytest.fixture
def client(broker: Broker) -> Iterator[ServiceBusClient]:
    with broker.client() as client:
        yield client


def text(messages: list[ServiceBusReceivedMessage]) -> list[str]:
    return [str(message) for message in messages]


def fill(broker: Broker, *bodies: str) -> None:
    for body in bodies:
        broker.put("q", body.encode())


def test_a_token_must_be_accepted_first(broker: Broker, client: ServiceBusClient) -> None:
    """[guide] Claims-based authorization: a valid token is set at `$cbs` before anything else."""
    broker.tell("tokens another")
    with pytest.raises(ServiceBusConnectionError, match="client-error"), client.get_queue_sender("q"):
        pass
    assert broker.tell("attached") == "done"
    broker.tell("accept somebody's")
    with client.get_queue_sender("q"):
        assert broker.tell("attached") == "Send:q"


def test_a_connection_without_a_token_is_dropped(broker: Broker) -> None:
    """[guide] Claims-based authorization: after 20 seconds, made one here."""
    broker.tell("patience 1")
    tls = ssl.create_default_context(cafile=broker.authority)
    port = urlsplit(broker.url).port or 0
    with (
        socket.create_connection(("localhost", port)) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as one,
    ):
        one.sendall(b"AMQP\x03\x01\x00\x00")
        assert one.recv(8) == b"AMQP\x03\x01\x00\x00"
        started = time.monotonic()
        one.settimeout(30)
        with suppress(ConnectionError):
            while one.recv(1024):
                pass
        assert 0.5 < time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("claims", "sends", "listens"), [("Send", True, False), ("Listen", False, True), ("", False, False)]
)
def test_a_link_needs_its_right(
    broker: Broker, client: ServiceBusClient, claims: str, *, sends: bool, listens: bool
) -> None:
    """[rights] Send into the queue: Send. Receive messages from a queue: Listen."""
    broker.tell(f"claims {claims}")
    for allowed, link in ((sends, client.get_queue_sender("q")), (listens, client.get_queue_receiver("q"))):
        if allowed:
            link.__enter__()
        else:
            with pytest.raises(ServiceBusAuthorizationError, match=r"claim\(s\) are required"):
                link.__enter__()
        link.close()


def test_a_queue_that_is_not_there_is_not_found(broker: Broker, client: ServiceBusClient) -> None:
    """[guide] Create message sender (error): attach with source and target null, then detach with an error."""
    broker.tell("exist q")
    with pytest.raises(MessagingEntityNotFoundError), client.get_queue_sender("other"):
        pass
    with client.get_queue_sender("Q"), client.get_queue_receiver("q"):
        pass


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        ("amqp:resource-limit-exceeded", ServiceBusQuotaExceededError),
        ("com.microsoft:server-busy", ServiceBusServerBusyError),
    ],
)
def test_a_message_can_be_refused(
    broker: Broker, client: ServiceBusClient, condition: str, error: type[ServiceBusError]
) -> None:
    """[guide] Send (error): a disposition with the state rejected and an error."""
    broker.tell(f"refuse {condition}")
    with client.get_queue_sender("q") as sender, pytest.raises(error):
        sender.send_messages(ServiceBusMessage("one"))
    with client.get_queue_receiver("q") as receiver:
        assert receiver.peek_messages(1) == []


def test_receive_and_delete_consumes_what_is_sent(broker: Broker, client: ServiceBusClient) -> None:
    """[settlement] Receive-and-Delete: considered consumed as soon as the broker has put it onto the wire."""
    fill(broker, "one", "two")
    with client.get_queue_receiver("q", receive_mode=DELETING) as receiver:
        assert text(receiver.receive_messages(1, max_wait_time=5)) == ["one"]
        assert broker.unconfirmed() == 0
        assert text(receiver.peek_messages(5)) == ["two"]


def test_a_locked_message_is_nobody_elses_until_it_is_settled(broker: Broker, client: ServiceBusClient) -> None:
    """[settlement] Peek-Lock: held under an exclusive lock; removed when it is completed."""
    fill(broker, "one", "two")
    with client.get_queue_receiver("q") as first, client.get_queue_receiver("q") as second:
        [one] = first.receive_messages(1, max_wait_time=5)
        assert text(second.receive_messages(1, max_wait_time=5)) == ["two"]
        assert broker.unconfirmed() == 2
        assert text(second.peek_messages(5, sequence_number=1)) == ["one", "two"], "[browse] those that are locked, too"
        first.complete_message(one)
        assert broker.unconfirmed() == 1
        assert text(second.peek_messages(5, sequence_number=1)) == ["two"]


def test_an_abandoned_message_comes_back_and_counts(broker: Broker, client: ServiceBusClient) -> None:
    """[dead] Maximum delivery count: abandoned, or its lock expired, so it is counted; after 10 it is dead-lettered."""
    fill(broker, "one")
    with client.get_queue_receiver("q") as receiver:
        for count in range(10):
            [one] = receiver.receive_messages(1, max_wait_time=5)
            assert one.delivery_count == count
            receiver.abandon_message(one)
        assert receiver.peek_messages(1, sequence_number=1) == []


def test_a_lock_expires(broker: Broker, client: ServiceBusClient) -> None:
    """[settlement] When the lock expires, the message pops back up for redelivery."""
    broker.tell("lock 1")
    fill(broker, "one")
    with client.get_queue_receiver("q") as first, client.get_queue_receiver("q") as second:
        first.receive_messages(1, max_wait_time=5)
        started = time.monotonic()
        [again] = second.receive_messages(1, max_wait_time=30)
        assert again.delivery_count == 1
        assert 0.5 < time.monotonic() - started < 15


def test_a_lock_ends_with_its_connection(broker: Broker, client: ServiceBusClient) -> None:
    """[settlement] If the network connection breaks, the lock is dropped."""
    fill(broker, "one")
    with client.get_queue_receiver("q") as first:
        first.receive_messages(1, max_wait_time=5)
        assert broker.unconfirmed() == 1
    with client.get_queue_receiver("q", receive_mode=DELETING) as second:
        assert text(second.receive_messages(1, max_wait_time=5)) == ["one"]


def test_nothing_is_delivered_without_credit(broker: Broker, client: ServiceBusClient) -> None:
    """[guide] Flow control: when the link credit is used up, deliveries stop."""
    with client.get_queue_receiver("q", receive_mode=DELETING) as receiver:
        fill(broker, "one", "two", "three")
        assert len(receiver.peek_messages(5, sequence_number=1)) == 3
        assert text(receiver.receive_messages(2, max_wait_time=5)) == ["one", "two"]
        assert text(receiver.peek_messages(5, sequence_number=1)) == ["three"]


def test_messages_are_browsed_in_order_from_a_number_on(broker: Broker, client: ServiceBusClient) -> None:
    """[browse] In the order of their numbers, at most as many as asked for; [request] Peek Message."""
    fill(broker, *map(str, range(5)))
    with client.get_queue_receiver("q") as receiver:
        assert [message.sequence_number for message in receiver.peek_messages(2)] == [1, 2]
        assert text(receiver.peek_messages(9, sequence_number=4)) == ["3", "4"]
        assert receiver.peek_messages(9, sequence_number=6) == []


def test_large_messages_and_pages_arrive_whole(broker: Broker, client: ServiceBusClient) -> None:
    """More than a frame; 2.6.14 of "OASIS AMQP Version 1.0, Part 2: Transport"."""
    body = "x" * 100_000
    fill(broker, body, body)
    with client.get_queue_receiver("q", receive_mode=DELETING) as receiver:
        assert text(receiver.peek_messages(2)) == [body, body]
        assert text(receiver.receive_messages(1, max_wait_time=5)) == [body]
