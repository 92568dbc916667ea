"""Pub/Sub and Cloud Monitoring behind TLS, where callers are known by their tokens and may do what they were granted."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.pubsub_v1.types import PubsubMessage, Subscription
from tests.support.gcp.identity import INVALID, Identity
from tests.support.gcp.tls import tls

from chassis.dev.pubsub import PubSubServer
from chassis.dev.pubsub_store import Store
from chassis.dev.services import free_port
from chassis.selected import QueueSettings

PROJECT = "my-project"
NAME, OTHER = "my-agent-runs", "other-runs"
LEAST = frozenset({"pubsub.topics.publish", "pubsub.subscriptions.consume", "monitoring.timeSeries.list"})
"""What the service needs, as docs/queue-pubsub.md says: one permission each of three roles."""


class GrantedPubSub:
    """A project with the topics and subscriptions that infrastructure code made."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.rights: set[str] = set(LEAST)
        self.store = Store()
        for name in (NAME, OTHER):
            self.store.create_topic(topic(name))
            self.store.create_subscription(Subscription(name=subscription(name), topic=topic(name)))
        self.server = PubSubServer(self.store, self._allowed)
        self.endpoint = f"127.0.0.1:{free_port()}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer while the context is open."""
        server = self.server.started(self.endpoint, grpc.ssl_server_credentials([(tls().key, tls().chain)]))
        try:
            yield
        finally:
            server.stop(None).wait()

    def put(self, name: str, data: bytes) -> None:
        """Publish as somebody else."""
        self.store.publish(topic(name), [PubsubMessage(data=data)])

    def backlog(self, name: str) -> int | None:
        """Count what nobody has confirmed."""
        return self.store.backlog(subscription(name))

    def _allowed(self, context: grpc.ServicerContext, permission: str) -> bool:
        sent = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        if not self.identity.accepts(sent.get("authorization", "").removeprefix("Bearer ")):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, INVALID)
        return permission in self.rights


def topic(name: str) -> str:
    """Give the resource's name."""
    return f"projects/{PROJECT}/topics/{name}"


def subscription(name: str) -> str:
    """Give the resource's name."""
    return f"projects/{PROJECT}/subscriptions/{name}"


def settings(cloud: GrantedPubSub, name: str = NAME, **changes: str) -> QueueSettings:
    """Give settings as production has them."""
    values = {"project": PROJECT, "topic": name, "subscription": name, "endpoint": cloud.endpoint}
    values |= {"monitoring_endpoint": cloud.endpoint, **changes}
    return QueueSettings.model_validate(values, context={"environment": "production"})
