"""A RabbitMQ of the test's own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from kombu import Connection

from chassis.dev.queue.rabbitmq import URL
from chassis.dev.rabbitmq import program, rabbitmq_server
from chassis.dev.services import free_port

RIGHTS = (r"^.*\.runs$", r"^(.*\.runs|amq\.default)$", r"^.*\.runs$")
"""To configure, to write and to read, as docs/queue-rabbitmq.md says."""
NOWHERE = {"url": "amqp://127.0.0.1:1//"}


class Broker:
    """Its user `guest` is let in from this machine only."""

    PUBLISH = b"\x00\x3c\x00\x28"
    """basic.publish: class 60, method 40 (AMQP 0-9-1, "Method Reference")."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "rabbitmq"
        self._port = free_port()
        self._running = ExitStack()
        self.start()
        self.environment: Mapping[str, str] = {URL: self.url}

    def start(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._server = self._running.enter_context(rabbitmq_server(self._directory, port=self._port))
        self.url = self._server.url
        # What `unconfirmed` reads of a quorum queue is as old as its last tick, 5 s by default.
        self.tool("eval", "application:set_env(rabbit, quorum_tick_interval, 200).")

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        pid = int(self._server.pid_file.read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def forget(self) -> None:
        """Delete the queues themselves, as somebody might who tidies up."""
        for queue in self.tool("list_queues", "--no-table-headers", "name"):
            self.tool("delete_queue", queue)

    def unconfirmed(self) -> int:
        return sum(map(int, self.tool("list_queues", "--no-table-headers", "messages_unacknowledged")))

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Shorten its time-out for consumers, half an hour by default, and the pauses between two looks at it."""
        for name in ("consumer_timeout", "channel_tick_interval"):
            self.tool("eval", f"application:set_env(rabbit, {name}, 1000).")

    def put(self, queue: str, body: bytes) -> None:
        with Connection(self.url) as connection, connection.Producer() as producer:
            producer.publish(
                body, routing_key=queue, content_type="application/octet-stream", content_encoding="binary"
            )

    def user(self, name: str, password: str) -> None:
        self.tool("add_user", name, password)
        self.tool("set_permissions", name, *RIGHTS)

    def rotate(self, name: str, password: str) -> None:
        self.tool("change_password", name, password)
        self.tool("close_all_user_connections", name, "rotated")

    def tool(self, *words: str) -> list[str]:
        """Call rabbitmqctl, and give the words that it prints."""
        done = subprocess.run(
            [program("rabbitmqctl"), "--quiet", *words],
            env=self._server.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.split()
