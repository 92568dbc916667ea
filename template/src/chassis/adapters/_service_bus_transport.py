"""Service Bus as a transport for kombu.

kombu has one (`kombu.transport.azureservicebus`, 5.7), of which nothing would be left: it creates queues through the endpoint for
administration, for which an identity needs more rights than to send and to receive; takes its credential from the URL, a key or
`DefaultAzureCredential`; completes messages in a second step; sends without a limit of time; and connects when the first message is
sent, so that a broker that is away would look well. So this is a transport of our own, on the same base as all that kombu makes of
brokers without AMQP 0-9-1.
"""

from collections.abc import Iterator
from queue import Empty
from typing import Any

import structlog
from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.amqp import AmqpMessageBodyType
from kombu.exceptions import OperationalError
from kombu.transport import virtual
from kombu.utils.json import dumps, loads

from chassis.adapters._service_bus_links import LISTEN, SEND, TIMEOUT_SECONDS, QueueLinks

log = structlog.get_logger()

WAIT_SECONDS = 1.0
"""So long a listener waits for a message before it looks whether it is to end."""
PAGE = 250
MOST = 1000
"""So many messages are counted at most, each of which is fetched for it. Their number alone is told to whoever has the right to
manage the queue ("Rights required for Service Bus operations", "Get the queue description",
learn.microsoft.com/azure/service-bus-messaging/service-bus-sas); to look at them, that to listen is enough."""


class Channel(virtual.Channel):
    """Messages of one queue, which exists."""

    connection: "Transport"
    do_restore = False  # what was received is deleted; kombu would send what it finds unconfirmed once more

    def _new_queue(self, queue: str, **_: Any) -> None:
        """Create nothing: a queue is made by whoever makes the namespace."""

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        self.connection.send(dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        body = self.connection.receive()
        try:
            message: dict[str, Any] = loads(body)
            self.Message(message, channel=self)
        except (AttributeError, KeyError, TypeError, ValueError):  # it is none of kombu's, and deleted already
            log.warning("queue.foreign_message", size=len(body))
            raise Empty from None
        return message

    def _size(self, queue: str) -> int:
        return self.connection.waiting()


class Transport(virtual.Transport):
    """A connection of kombu's: one link, for what the URL's path says."""

    Channel = Channel
    polling_interval = None  # receiving waits by itself
    driver_type = driver_name = "azure-servicebus"
    connection_errors = recoverable_connection_errors = (OperationalError,)
    links: QueueLinks
    """Of a class made by `transport_to`, as kombu makes the objects."""

    def __init__(self, client: Any, **options: Any) -> None:
        super().__init__(client, **options)
        self._sender: ServiceBusSender | None = None
        self._receiver: ServiceBusReceiver | None = None

    def establish_connection(self) -> Any:
        """Open the link, so that a broker that is away, or refuses, is noticed here, where kombu expects it."""
        client: Any = self.client
        if client.virtual_host == LISTEN:
            self._receiver = self.links.receiver()
        else:
            self._sender = self.links.sender()
        return super().establish_connection()

    def close_connection(self, connection: Any) -> None:
        super().close_connection(connection)
        self._drop()

    def send(self, body: str) -> None:
        """Send one message; it is taken, or an error says that it may not be, after two seconds at most."""
        self._sender = sender = self._sender or self.links.sender()
        try:
            sender.send_messages(ServiceBusMessage(body), timeout=TIMEOUT_SECONDS)
        except (AzureError, ValueError) as error:  # a closed link is a ValueError
            self._drop()
            raise self.links.failed(SEND, error) from error

    def receive(self) -> bytes:
        """Receive and delete one message; raise `Empty` where none comes."""
        self._receiver = receiver = self._receiver or self.links.receiver()
        try:
            found = receiver.receive_messages(max_message_count=1, max_wait_time=WAIT_SECONDS)
        except (AzureError, ValueError) as error:
            self._drop()
            raise self.links.failed(LISTEN, error) from error
        if not found:
            raise Empty
        return _body(found[0])

    def waiting(self) -> int:
        """Count what waits, up to `MOST`; nothing where this connection is for sending, which gives no right to look."""
        if self._receiver is None:
            return 0
        try:
            return sum(1 for _ in self._looked_at(self._receiver))
        except (AzureError, ValueError) as error:
            self._drop()
            raise self.links.failed(LISTEN, error) from error

    def _looked_at(self, receiver: ServiceBusReceiver) -> Iterator[ServiceBusReceivedMessage]:
        """Give the messages page by page, which may be shorter than asked for while there are more."""
        begin, seen = 1, 0
        while seen < MOST:
            page = receiver.peek_messages(min(PAGE, MOST - seen), sequence_number=begin, timeout=TIMEOUT_SECONDS)
            if not page:
                return
            yield from page
            seen += len(page)
            begin = (page[-1].sequence_number or 0) + 1

    def _drop(self) -> None:
        for link in (self._sender, self._receiver):
            if link is not None:
                self.links.close(link)
        self._sender = self._receiver = None


def transport_to(links: QueueLinks) -> type[Transport]:
    """Give a transport for kombu to this queue; a class each time, since kombu shares connections by transport and address."""
    return type("Transport", (Transport,), {"links": links})


def _body(message: ServiceBusReceivedMessage) -> bytes:
    body: Any = message.body
    return b"".join(body) if message.body_type == AmqpMessageBodyType.DATA else b""
