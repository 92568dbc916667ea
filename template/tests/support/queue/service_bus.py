"""A Service Bus namespace of the test's own, as a process beside it."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import ServiceBusClient, ServiceBusMessage, TransportType
from pydantic import AmqpDsn

from chassis.dev.queue.service_bus import AUTHORITY, URL
from chassis.dev.service_bus.server import service_bus
from chassis.dev.services import free_port
from chassis.selected import QueueSettings

NOWHERE = {"url": AmqpDsn("amqps://127.0.0.1:1")}


class Somebody:
    """Shows a token, which this namespace accepts from anybody."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("somebody's", int(time.time()) + 3600)


class Broker:
    """Lets in whoever shows a token, unless it is told otherwise with `tell`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "service_bus"
        self._port = free_port()
        self._running = ExitStack()
        self.start()
        self.environment: Mapping[str, str] = {URL: self.url, AUTHORITY: str(self.authority)}

    def start(self) -> None:
        self._server = self._running.enter_context(service_bus(self._directory, self._port))
        self.url, self.authority = self._server.url, self._server.authority

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        pid = int(self.tell("pid"))
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def forget(self) -> None:
        self.tell("forget")

    def unconfirmed(self) -> int:
        return int(self.tell("locked"))

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shorten its locks, a minute by default; of no consequence unless somebody locks."""
        self.tell("lock 1")

    def put(self, queue: str, body: bytes) -> None:
        with self.client() as client, client.get_queue_sender(queue, keep_alive=0) as sender:
            sender.send_messages(ServiceBusMessage(body))

    def client(self) -> ServiceBusClient:
        """Give a client of Microsoft's, as it comes."""
        return ServiceBusClient(
            "localhost",
            Somebody(),
            custom_endpoint_address=self.url.replace("amqps", "sb"),
            connection_verify=str(self.authority),
            transport_type=TransportType.Amqp,
            retry_total=0,
        )

    def tell(self, command: str) -> str:
        """Have it do something; see `chassis.dev.service_bus.commands`."""
        return self._server.tell(command)


def settings_for(broker: Broker, **values: Any) -> QueueSettings:
    """Give the settings that lead to it."""
    given = {"url": broker.url, "authority": broker.authority, **values}
    return QueueSettings.model_validate(given, context={"environment": "test"})
