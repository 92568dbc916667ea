"""The broker of `queue=pubsub` on a laptop: a stand-in for Pub/Sub, with a topic and a subscription."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.pubsub_v1 import ExpirationPolicy, PublisherClient, SubscriberClient, Subscription
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from chassis.dev.services import accepts_connections, free_port, running

PREFIX = "CHASSIS__QUEUE__"
PROJECT, NAME = "my-project", "my-agent-runs"
SECONDS = 10


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A stand-in that runs, and the settings that lead to it."""

    environment: dict[str, str]
    pid: int


@contextmanager
def queue_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that point to the broker: the environment's own, or those of one started here."""
    if f"{PREFIX}TOPIC" in environ:
        yield {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        return
    with pubsub_server(directory) as server:
        yield server.environment


@contextmanager
def pubsub_server(directory: Path, port: int | None = None, pace: float = 1) -> Iterator[RunningServer]:
    """Start a stand-in with a topic and a subscription; deadlines pass `pace` times as fast."""
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [sys.executable, "-m", "chassis.dev.pubsub", str(port), str(pace)]
    with running(command, directory / "pubsub.log", accepts_connections(port)) as pid:
        address = f"127.0.0.1:{port}"
        with grpc.insecure_channel(address) as channel:
            create(channel)
        environment = {
            f"{PREFIX}PROJECT": PROJECT,
            f"{PREFIX}TOPIC": NAME,
            f"{PREFIX}SUBSCRIPTION": NAME,
            f"{PREFIX}EMULATOR": address,
        }
        yield RunningServer(environment, pid)


def create(channel: grpc.Channel) -> None:
    """Make topic and subscription as docs/queue-pubsub.md says, but for how long messages are kept."""
    topic = f"projects/{PROJECT}/topics/{NAME}"
    publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    publisher.create_topic(name=topic, timeout=SECONDS)
    subscription = Subscription(
        name=f"projects/{PROJECT}/subscriptions/{NAME}", topic=topic, expiration_policy=ExpirationPolicy()
    )
    subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    subscriber.create_subscription(subscription, timeout=SECONDS)
