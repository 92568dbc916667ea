"""The processes of one service: an API and some workers, each with a log of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.services import START_SECONDS, ServiceStartError, accepts_connections, free_port

STOP_SECONDS = 120


class Fleet:
    """Starts processes of the sample agent, and ends them by their numbers."""

    def __init__(self, environment: Mapping[str, str], directory: Path, workers: int) -> None:
        """Start nothing yet."""
        self.port = free_port()
        self._environment = {
            **environment,
            "CHASSIS__HTTP__PORT": str(self.port),
            "PYTHONPATH": os.pathsep.join([".", "src"]),
        }
        self._directory = directory
        self._api: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self._wanted = workers

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run while the context is open."""
        try:
            self.start_api()
            self.refill()
            yield
        finally:
            self.end()

    def end(self) -> None:
        """End everything without a word, frozen or not."""
        for process in (self._api, *self.workers):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        self._api, self.workers = None, []

    def start_api(self) -> None:
        """Start the API where there is none, and wait until it can be called."""
        if self._api is None or self._api.poll() is not None:
            self._api = self._start("serve")

    def wait_for_api(self) -> None:
        """Wait until the API takes connections."""
        answers = accepts_connections(self.port)
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if time.monotonic() > deadline:
                raise ServiceStartError
            time.sleep(0.1)

    def kill_api(self) -> None:
        """End the API without a word."""
        if self._api is not None:
            self._api.kill()
            self._api.wait()

    def refill(self) -> None:
        """Start workers until there are as many as wanted."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self._wanted:
            self.workers.append(self._start("work"))

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """End a worker without a word, and start another."""
        worker.kill()
        worker.wait()
        self.refill()

    def restart_all(self) -> None:
        """Replace one worker after the other, as a deployment does: the new one first, then the old one is asked to stop."""
        for old in list(self.workers):
            self.workers.append(self._start("work"))
            old.terminate()
            old.wait(STOP_SECONDS)
        self.refill()

    def _start(self, what: str) -> subprocess.Popen[bytes]:
        with (self._directory / f"{what}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.support.process", what],
                env=self._environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
