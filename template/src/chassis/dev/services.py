"""The services a laptop needs: from the environment, else from a development wheel, else from PATH, else one sentence.

What is started here listens on loopback on a free port, keeps its data under `.dev/`, and is ended by its process id.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.ports.errors import ConfigurationError

START_SECONDS = 30
LOOPBACK = ("127.0.0.1", "localhost")


class MissingServiceError(ConfigurationError):
    """A service that is needed on this machine is not there; install it, or name one in the environment."""


class ServiceStartError(ConfigurationError):
    """A development service did not start; its log says why."""


def past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which HTTP clients reach servers on this machine directly, where a proxy is configured."""
    found = {}
    for name in ("NO_PROXY", "no_proxy"):  # either is read, by one client or another
        others = [host for host in environ.get(name, "").split(",") if host and host not in LOOPBACK]
        found[name] = ",".join([*others, *LOOPBACK])
    return found


def free_port() -> int:
    """Give a port on loopback that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: list[str],
    log: Path,
    ready: Callable[[], bool],
    user: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Run a server in its own session until the context ends, and give its process id.

    Raise `ServiceStartError` when it does not get ready.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=user,
            env=environment,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"{Path(command[0]).name} did not start; its log is {log}."
                raise ServiceStartError(message)
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def on_path(*names: str) -> str | None:
    """Find the first of these programs on PATH."""
    return next((found for name in names if (found := shutil.which(name))), None)


def accepts_connections(port: int) -> Callable[[], bool]:
    """Make a readiness test for a TCP port on loopback."""

    def ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ready


def is_root() -> bool:
    """Say whether this process runs as root, as which Postgres refuses to run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
