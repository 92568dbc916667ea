"""The calls to Pub/Sub that a queue needs, each with a deadline and with one sentence when it fails.

They are those of the generated client. The hand-written one above it publishes in batches from a thread of its own and extends
deadlines of messages from another; here a publish is one call whose answer is waited for, and a message is confirmed at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions, retry
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.auth.exceptions import GoogleAuthError
from google.cloud.monitoring_v3 import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport
from google.pubsub_v1 import PublisherClient, PubsubMessage, PullRequest, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from chassis.adapters._gcp_identity import (
    RECONNECT,
    Login,
    StaticCredentialsError,
    channel_of,
    platform_credentials,
)
from chassis.adapters._pubsub_errors import NEEDED, PubSubError, Side, What, explained, not_allowed
from chassis.adapters._pubsub_pull import Pull
from chassis.adapters.queue.pubsub_settings import QueueSettings

SECONDS = 1.8
"""For one call with all its attempts: what publishes gives up after two seconds, and its thread should be free by then."""


def _bounds(again_seconds: float) -> dict[str, Any]:
    """Call once more where the connection was cut or is being made anew, which is what gRPC calls UNAVAILABLE."""
    unavailable = retry.if_exception_type(exceptions.ServiceUnavailable)
    again = retry.Retry(unavailable, initial=0.1, maximum=0.5, timeout=again_seconds)
    return {"retry": again, "timeout": SECONDS}


BOUNDS = _bounds(SECONDS)
PUBLISH_BOUNDS = _bounds(0.5)
"""Somebody waits for a publish: enough for a connection that was cut, and too little to wait for a server that is gone."""
PULL_SECONDS = 60
"""So long a pull may wait for a message at the server; a dead connection is noticed sooner, by the client's keepalive (30 s)."""
METRIC = "pubsub.googleapis.com/subscription/num_undelivered_messages"
LATE = timedelta(minutes=5)
"""How old the newest count may be."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Clients:
    publisher: PublisherClient
    subscriber: SubscriberClient
    metrics: MetricServiceClient

    def close(self) -> None:
        for client in (self.publisher, self.subscriber, self.metrics):
            transport: Any = client.transport
            transport.close()


class PubSub:
    """One topic and one subscription; threads may share it. Nothing is asked for until the first call."""

    def __init__(self, settings: QueueSettings) -> None:
        """Take where they are."""
        self._settings = settings
        subscription = f"projects/{settings.project}/subscriptions/{settings.subscription}"
        self._names: dict[What, str] = {
            "topic": f"projects/{settings.project}/topics/{settings.topic}",
            "subscription": subscription,
            "metrics": subscription,
        }
        find = partial(platform_credentials, SECONDS, production=settings.production)
        self._login = Login((lambda: None) if settings.emulator else find, self._connect)

    def close(self) -> None:
        """Close the connections."""
        if self._login.opened:
            self._login.opened.close()

    def check(self, side: Side) -> None:
        """See that Pub/Sub answers and that this service may use its topic or subscription.

        It asks which permissions it has. To ask for topic or subscription themselves would need one that neither role has
        (Pub/Sub, "Access control with IAM"). What does not exist grants none (Pub/Sub API, `testIamPermissions`).
        """
        permission, _ = NEEDED[side]
        asked = {"resource": self._names[side], "permissions": [permission]}
        found = self._call(side, lambda clients: clients.publisher.test_iam_permissions(asked, **BOUNDS))
        if permission not in found.permissions:
            raise not_allowed(side, self._names[side])

    def publish(self, data: bytes) -> None:
        """Publish a message, and wait until Pub/Sub says that it has it."""
        messages = [PubsubMessage(data=data)]
        self._call(
            "topic",
            lambda clients: clients.publisher.publish(topic=self._names["topic"], messages=messages, **PUBLISH_BOUNDS),
        )

    def pull(self, most: int) -> Pull:
        """Begin to wait for messages."""
        name = self._names["subscription"]
        request = PullRequest(subscription=name, max_messages=most)
        metadata = [to_grpc_metadata([("subscription", name)])]  # type: ignore[no-untyped-call]

        def begin(clients: _Clients) -> Any:
            transport: Any = clients.subscriber.transport
            return transport.pull.future(request, timeout=PULL_SECONDS, metadata=metadata)

        return Pull(self._call("subscription", begin), partial(self._call, "subscription"))

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Confirm messages, so that they are given to nobody else."""
        name = self._names["subscription"]
        self._call(
            "subscription",
            lambda clients: clients.subscriber.acknowledge(subscription=name, ack_ids=ack_ids, **BOUNDS),
        )

    def backlog(self) -> int:
        """Give the newest count that Cloud Monitoring has; where it has none, that is an error and not a zero.

        "Best practices for using Pub/Sub metrics as a scaling signal", "How to deal with metrics gaps when they occur".
        """
        now = datetime.now(UTC)
        request = {
            "name": f"projects/{self._settings.project}",
            "filter": f'metric.type = "{METRIC}" AND resource.labels.subscription_id = "{self._settings.subscription}"',
            "interval": {"start_time": now - LATE, "end_time": now},
        }

        def ask(clients: _Clients) -> list[Any]:
            return list(clients.metrics.list_time_series(request, **BOUNDS))

        series = self._call("metrics", ask)
        counts = [one.points[0].value.int64_value for one in series if one.points]  # the newest point comes first
        if not counts:
            message = f"Cloud Monitoring has no count for {self._names['subscription']} yet; see that it is there."
            raise PubSubError(message)
        return sum(counts)

    def _call(self, what: What, function: Callable[[_Clients], T]) -> T:
        # Errors without their cause: what the SDK tells of a failed login can repeat what was sent.
        try:
            clients = self._login.client()
            try:
                return function(clients)
            except exceptions.Unauthenticated:
                self._login.forget(clients)
                return function(self._login.client())
        except StaticCredentialsError as error:
            raise PubSubError(error.detail) from None
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise explained(what, self._names[what], error) from None

    def _connect(self, credentials: Any) -> _Clients:
        # Transports that are there already keep the SDK from reading PUBSUB_EMULATOR_HOST, which would turn TLS off.
        def over(transport: Any, host: str | None) -> Any:
            if self._settings.emulator:
                return transport(channel=grpc.insecure_channel(self._settings.emulator, [RECONNECT]))
            return transport(
                host=host or transport.DEFAULT_HOST, credentials=credentials, channel=channel_of(transport)
            )

        pubsub, monitoring = self._settings.endpoint, self._settings.monitoring_endpoint
        return _Clients(
            PublisherClient(transport=over(PublisherGrpcTransport, pubsub)),
            SubscriberClient(transport=over(SubscriberGrpcTransport, pubsub)),
            MetricServiceClient(transport=over(MetricServiceGrpcTransport, monitoring)),
        )
