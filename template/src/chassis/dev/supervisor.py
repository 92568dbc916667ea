"""`make run`: services, migrations, example data, then the API and a worker as separate processes until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chassis.dev.attach import attachable
from chassis.dev.environment import ROLES, as_role, development_environment
from chassis.ports.errors import ChassisError, ConfigurationError

DIRECTORY = Path(".dev")
READY_SECONDS = 30
STOP_SECONDS = 25
PROCESSES = {"serve": ("serve",), "work": ("work",), "keep": ("audit", "keep")}
EXAMPLE = "How many open tickets are past their deadline?"


class PortTakenError(ConfigurationError):
    """The API's port is in use; end what uses it, or choose another with `make run PORT=8010`."""


class NotReadyError(ChassisError):
    """The service did not get ready in time; what it printed above says why."""


@dataclass
class Supervisor:
    """Starts, watches and ends the processes of one service on this machine."""

    port: int
    question: str | None = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self) -> int:
        """Run until Ctrl-C or SIGTERM, and end everything that was started and nothing else."""
        started = time.monotonic()
        _require_free(self.port)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt_once)
        try:
            say("Looking for Postgres and what else is needed ...")
            given = {**os.environ, "CHASSIS__HTTP__PORT": str(self.port)}
            with development_environment(DIRECTORY.resolve(), given) as environment:
                self._once(environment, "migrate")
                try:
                    with self._children(environment), attachable(DIRECTORY, environment):
                        self._once(as_role(environment, ROLES["seed"]), "seed")
                        self._wait_until_ready()
                        self._announce(time.monotonic() - started)
                        if self.question:
                            self._ask(self.question, environment)
                        self._watch(environment)
                finally:
                    self._start(as_role(environment, ROLES["verify"]), "audit", "verify").wait(STOP_SECONDS)
        except KeyboardInterrupt:
            say("Stopped.")
        return 0

    def _announce(self, seconds: float) -> None:
        url = f"http://127.0.0.1:{self.port}"
        port = "" if self.port == 8000 else f" PORT={self.port}"  # noqa: PLR2004 - the default of --port
        say(f"\nReady after {seconds:.1f} s: {url}  (Ctrl-C ends it)\nAsk from another terminal:\n")
        say(f'    make ask{port} Q="{EXAMPLE}"\n    make audit\n')

    def _ask(self, question: str, environment: Mapping[str, str]) -> None:
        """Ask, and draw how the answer came about."""
        say(f"Question: {question}")
        # The service logs to this terminal too.
        url = f"http://127.0.0.1:{self.port}"
        asker = self._start({**os.environ, "CHASSIS_URL": url}, "ask", "--whole-lines", question)
        if asker.wait(READY_SECONDS) == 0:
            self._start(as_role(environment, ROLES["serve"]), "trace").wait(READY_SECONDS)

    def _once(self, environment: Mapping[str, str], command: str) -> None:
        if self._start(environment, command).wait() != 0:
            message = f"`python -m chassis {command}` failed; what it printed above says why."
            raise ChassisError(message)

    def _start(self, environment: Mapping[str, str], *command: str) -> subprocess.Popen[bytes]:
        # A session of its own, so that Ctrl-C reaches this process only and the end is in its hands.
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "chassis", *command], env=dict(environment), start_new_session=True
        )

    @contextmanager
    def _children(self, environment: Mapping[str, str]) -> Iterator[None]:
        try:
            for name, command in PROCESSES.items():
                self._processes[name] = self._start(as_role(environment, ROLES[name]), *command)
            yield
        finally:
            for process in self._processes.values():
                process.terminate()
            for process in self._processes.values():
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        url = f"http://127.0.0.1:{self.port}/health/ready"
        while time.monotonic() < deadline:
            if self._processes["serve"].poll() is not None:
                raise NotReadyError
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise NotReadyError

    def _watch(self, environment: Mapping[str, str]) -> None:
        """Start again what dies, as an orchestrator would."""
        while True:
            time.sleep(0.5)
            for name, process in self._processes.items():
                code = process.poll()
                if code is not None:
                    command = PROCESSES[name]
                    say(f"`{' '.join(command)}` (process {process.pid}) ended with {code}; starting it again.")
                    time.sleep(0.5)
                    self._processes[name] = self._start(as_role(environment, ROLES[name]), *command)
                    break


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def _interrupt_once(_number: int, _frame: object) -> None:
    # What follows is the end of everything that was started. A second signal (an impatient person, or `uv run`, which
    # passes on what the terminal has sent to all) must not cut it short; it is bounded by STOP_SECONDS.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"Port {port} is in use; end what uses it, or choose another: make run PORT={port + 10}"
            raise PortTakenError(message) from error
