"""A moto of the test's own, with one queue."""

import base64
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.support.aws.server import administrator

from chassis.dev.moto import moto_server
from chassis.dev.queue.sqs import ENDPOINT, REGION, URL, made_queue
from chassis.dev.services import free_port

NOWHERE = {"url": "http://127.0.0.1:1/123456789012/runs", "endpoint_url": "http://127.0.0.1:1"}


class Broker:
    """It asks nobody who they are; `tests/support/aws/front.py` can stand before it and does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._running = ExitStack()
        self.start()

    def start(self) -> None:
        self._server = self._running.enter_context(moto_server(self._directory, self._port))
        self.environment: Mapping[str, str] = made_queue(self._server)
        self.region, self.url, self.endpoint = (self.environment[name] for name in (REGION, URL, ENDPOINT))
        self.admin = administrator("sqs", self.endpoint)
        self._running.callback(self.admin.close)

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
        """Delete the queue and make it again: to purge it is allowed once a minute (SQS API Reference, "PurgeQueue")."""
        self.admin.delete_queue(QueueUrl=self.url)
        made_queue(self._server)

    def unconfirmed(self) -> int:
        return self.count("ApproximateNumberOfMessagesNotVisible")

    def count(self, attribute: str) -> int:
        return int(
            self.admin.get_queue_attributes(QueueUrl=self.url, AttributeNames=[attribute])["Attributes"][attribute]
        )

    def hurry(self, _monkeypatch: pytest.MonkeyPatch) -> None:
        self.admin.set_queue_attributes(QueueUrl=self.url, Attributes={"VisibilityTimeout": "1"})

    def put(self, _queue: str, body: bytes) -> None:
        """Put it into the one queue; as base64 where it is no text, of which SQS takes nothing else (SendMessage, MessageBody)."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = base64.b64encode(body).decode()
        self.admin.send_message(QueueUrl=self.url, MessageBody=text)
