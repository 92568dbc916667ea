"""A stand-in for Pub/Sub of the test's own, in a process of its own."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.cloud.monitoring_v3 import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport
from google.pubsub_v1 import PublisherClient, PubsubMessage, SeekRequest, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from chassis.dev.queue.pubsub import NAME, PROJECT, pubsub_server
from chassis.dev.services import free_port

NOWHERE = {"emulator": "127.0.0.1:1"}
TOPIC = f"projects/{PROJECT}/topics/{NAME}"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/{NAME}"
HURRY = 10
"""The shortest deadline that Pub/Sub knows is ten seconds, which a hurried stand-in passes in one."""


class Broker:
    """One topic with one subscription, on loopback without TLS."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._running = ExitStack()
        self._pace = 1
        self.start()
        self.environment: Mapping[str, str] = self._server.environment

    def start(self) -> None:
        self._server = self._running.enter_context(pubsub_server(self._directory, self._port, self._pace))
        self._channel = self._running.enter_context(grpc.insecure_channel(f"127.0.0.1:{self._port}"))

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self._server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._server.pid, signal.SIGCONT)

    def forget(self) -> None:
        """Seek to this moment, which confirms whatever was published before ("Replay and purge messages with seek")."""
        request = SeekRequest(subscription=SUBSCRIPTION, time=datetime.now(UTC))
        self.subscriber().seek(request, timeout=30)

    def unconfirmed(self) -> int:
        """Count what nobody has confirmed, fetched or not: Google counts no other way."""
        client = MetricServiceClient(transport=MetricServiceGrpcTransport(channel=self._channel))
        now = datetime.now(UTC)
        [series] = client.list_time_series(
            {
                "name": f"projects/{PROJECT}",
                "filter": f'resource.labels.subscription_id = "{NAME}"',
                "interval": {"start_time": now, "end_time": now},
            },
            timeout=30,
        )
        return int(series.points[0].value.int64_value)

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stop()
        self._pace = HURRY
        self.start()

    def put(self, queue: str, body: bytes) -> None:
        """Put it into the one topic there is, whatever the queue is called."""
        self.publisher().publish(topic=TOPIC, messages=[PubsubMessage(data=body)], timeout=30)

    def publisher(self) -> PublisherClient:
        """Give the real client for topics."""
        return PublisherClient(transport=PublisherGrpcTransport(channel=self._channel))

    def subscriber(self) -> SubscriberClient:
        """Give the real client for subscriptions."""
        return SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))
