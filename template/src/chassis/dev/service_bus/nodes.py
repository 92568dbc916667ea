"""The nodes that answer requests: `$cbs` takes tokens, `<queue>/$management` lets messages be looked at.

"Claims-based authorization" in the protocol guide, and "AMQP 1.0 in Azure Service Bus: request-response-based operations", there
"Peek Message" (learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response).
"""

from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from azure.servicebus._pyamqp.error import AMQPError
from azure.servicebus._pyamqp.message import Message
from azure.servicebus._pyamqp.types import TYPE, VALUE, AMQPTypes

from chassis.dev.service_bus import wire
from chassis.dev.service_bus.links import CBS, MANAGEMENT, Link
from chassis.dev.service_bus.namespace import LISTEN, SEND, Namespace
from chassis.dev.service_bus.queues import Stored

PEEK = b"com.microsoft:peek-message"


class Nodes:
    """What one connection has shown and may ask."""

    def __init__(self, namespace: Namespace) -> None:
        """Start with no token shown."""
        self._namespace = namespace
        self.authorized: set[str] = set()
        """The queues for which this connection has shown a token."""

    def refusal(self, link: Link) -> AMQPError | None:
        """Say why a link may not be, if so: to send and to listen are two rights, and to look at messages is to listen."""
        if link.node == CBS:
            return None
        name = link.node.removesuffix(MANAGEMENT)
        claim = LISTEN if link.receives or not link.is_queue else SEND
        if link.is_queue:
            self._namespace.attached.append(f"{claim}:{name}")
        if name not in self.authorized or claim not in self._namespace.claims:
            said = f"Unauthorized access. '{claim}' claim(s) are required to perform this operation."
            return AMQPError(condition=b"amqp:unauthorized-access", description=said)
        if not self._namespace.exists(name):
            return AMQPError(condition=b"amqp:not-found", description="The messaging entity could not be found.")
        return None

    def answer(self, node: str, question: Message) -> bytes:
        """Answer a request."""
        return self._token(question) if node == CBS else self._look(node.removesuffix(MANAGEMENT), question)

    def annotations(self, stored: Stored) -> dict[str | bytes, Any]:
        """Say what the broker knows of a message."""
        found: dict[str | bytes, Any] = {
            "x-opt-sequence-number": {TYPE: AMQPTypes.long, VALUE: stored.sequence},
            "x-opt-enqueued-time": {TYPE: AMQPTypes.timestamp, VALUE: int(stored.enqueued * 1000)},
        }
        if stored.lock is not None:
            found["x-opt-locked-until"] = {TYPE: AMQPTypes.timestamp, VALUE: int(stored.locked_until * 1000)}
        return found

    def _token(self, question: Message) -> bytes:
        """Take a token. The guide names its type `amqp:jwt`, "not yet available"; Microsoft's SDK says `jwt`."""
        told = question.application_properties or {}
        token = question.value.decode() if isinstance(question.value, bytes) else str(question.value or "")
        if told.get(b"operation") != b"put-token" or told.get(b"type") != b"jwt" or not self._namespace.accepts(token):
            return wire.answer(question, ("status-code", 401))
        self.authorized.add(urlsplit(told[b"name"].decode()).path.strip("/").lower())
        return wire.answer(question, ("status-code", 202))

    def _look(self, name: str, question: Message) -> bytes:
        told = question.application_properties or {}
        if told.get(b"operation") != PEEK:
            return wire.answer(question, ("statusCode", 501))
        wanted: Any = question.value
        messages = self._namespace.queues[name].browse(wanted[b"from-sequence-number"])
        found = [
            {"message": wire.delivered(one.payload, one.deliveries, self.annotations(one))}
            for one in islice(messages, wanted[b"message-count"])
        ]
        return wire.answer(question, ("statusCode", 200 if found else 204), {"messages": found} if found else None)
