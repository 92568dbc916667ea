"""Pub/Sub as a transport of kombu's, for one topic and one subscription that are there already.

Not a subclass of `kombu.transport.gcpubsub` (5.7): all that it does would have to be undone. It makes topics and subscriptions,
which needs the rights of an administrator, and lets subscriptions expire after a day; does not wait for the answer to a publish, so
that one which is refused is lost in silence; keeps queues, and a thread that extends deadlines, in attributes of its class, which
all queues of a process share; and ends a listener only after its pull, up to ten seconds later.
"""

import json
from queue import Empty
from typing import Any

from kombu.transport import virtual

from chassis.adapters._pubsub_client import PubSub
from chassis.adapters._pubsub_errors import Side
from chassis.adapters._pubsub_pull import Pull

AT_ONCE = 16
"""As many messages as one pull may bring."""


class Channel(virtual.Channel):
    """What kombu calls a channel; there is nothing to declare and nothing to route."""

    do_restore = False  # Pub/Sub itself gives again what was not confirmed

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        self._pubsub: PubSub = connection.pubsub
        self._pull: Pull | None = None

    def basic_publish(self, message: Any, exchange: str, routing_key: str, **_kwargs: Any) -> None:
        """Publish to the topic; kombu's own way asks a table of exchanges, and drops what it does not find there."""
        self._inplace_augment_message(message, exchange, routing_key)
        self._pubsub.publish(json.dumps(message).encode())

    def _get_many(self, queues: list[str], timeout: float | None = None) -> None:
        """Confirm what came, then deliver it. kombu calls this where it is there, instead of asking queue by queue."""
        if self._pull is None:
            self._pull = self._pubsub.pull(AT_ONCE)
        messages = self._pull.wait(timeout)
        if messages is not None:
            self._pull = None
        if not messages:
            raise Empty
        self._pubsub.acknowledge([message.ack_id for message in messages])
        for message in messages:
            self.connection._deliver(self._payload(message.message.data), queues[0])  # noqa: SLF001 - kombu's own hook

    def _payload(self, data: bytes) -> dict[str, Any]:
        """Read kombu's envelope; whatever else it is becomes a message without headers, which nobody takes for ours."""
        tag = self._next_delivery_tag()
        try:
            payload = json.loads(data)
            payload["properties"]["delivery_tag"] = tag
            message: Any = self.Message(payload, channel=self)
            message.headers.items()
            len(message.body)
        except Exception:  # noqa: BLE001 - anybody may have written it, with any structure and encoding
            return {"body": data, "headers": {}, "properties": {"delivery_tag": tag}}
        return dict(payload)

    def _size(self, _queue: str) -> int:
        return self._pubsub.backlog()

    def close(self) -> None:
        """End the pull that is under way, for which nobody waits any more."""
        if self._pull is not None:
            self._pull.cancel()
            self._pull = None
        super().close()


class Transport(virtual.Transport):
    """Connects to `side`, which is the host of the URL: the topic to publish, the subscription to listen."""

    Channel = Channel
    driver_type = "pubsub"
    driver_name = "google-cloud-pubsub"
    polling_interval = 0.1  # between a pull that brought nothing and the next one
    pubsub: PubSub

    def establish_connection(self) -> Any:
        """See that the topic or the subscription can be used; gRPC connects by itself."""
        client: Any = self.client
        side: Side = "subscription" if client.hostname == "subscription" else "topic"
        self.pubsub.check(side)
        return super().establish_connection()


def transport_to(pubsub: PubSub) -> type[Transport]:
    """Give a transport of its own for each queue: kombu shares connections between all whose transport and URL are the same."""

    class TransportToOne(Transport):
        pass

    TransportToOne.pubsub = pubsub
    return TransportToOne
