"""A Valkey of the test's own, which keeps nothing on disk."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from chassis.adapters.queue import redis as adapter
from chassis.dev.queue.redis import URL
from chassis.dev.redis import redis_server
from chassis.dev.services import free_port

NOWHERE = {"url": "redis://127.0.0.1:1/0"}


class Broker:
    """Its default user has no password."""

    PUBLISH = b"LPUSH"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._running = ExitStack()
        self.start()
        self.environment: Mapping[str, str] = {URL: self.url}

    def start(self) -> None:
        self.url = self._running.enter_context(redis_server(self._directory, port=self._port))
        self._admin: redis.Redis = redis.Redis.from_url(self.url)

    def stop(self) -> None:
        self._admin.close()
        self._running.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        pid = int(self._admin.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def forget(self) -> None:
        self._admin.flushall()

    def unconfirmed(self) -> int:
        """Count them where kombu's transport keeps them."""
        return int(self._admin.hlen("unacked"))

    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(adapter, "VISIBILITY_SECONDS", 1)

    def put(self, queue: str, body: bytes) -> None:
        self._admin.lpush(queue, body)

    def user(self, name: str, password: str) -> None:
        self._command("ACL", "SETUSER", name, "reset", "on", f">{password}", "~*", "&*", "+@all")

    def rotate(self, name: str, password: str) -> None:
        self._command("ACL", "SETUSER", name, "resetpass", f">{password}")
        self._command("CLIENT", "KILL", "USER", name)

    def _command(self, *words: str) -> Any:
        return self._admin.execute_command(*words)  # type: ignore[no-untyped-call]
