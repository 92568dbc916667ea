"""A RabbitMQ for development and tests. No wheel has one: it comes from the system's packages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.dev.services import MissingServiceError, accepts_connections, free_port, running

PACKAGED = "/usr/lib/rabbitmq/bin"
"""Where Debian and Ubuntu have the programs; what they put on PATH is for their service, and runs as another user."""

ABSENT = (
    "No RabbitMQ was found. Set CHASSIS__QUEUE__URL to one, or install it: apt install rabbitmq-server on Debian and Ubuntu, "
    "brew install rabbitmq on macOS."
)


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """A running server, and the environment in which its tools find it."""

    url: str
    environment: dict[str, str]
    pid_file: Path


@contextmanager
def rabbitmq_server(directory: Path, port: int | None = None) -> Iterator[RabbitMQ]:
    """Start a server that keeps its data in `directory`; its user is `guest`, whom it lets in from this machine only."""
    directory.mkdir(parents=True, exist_ok=True)
    server, epmd = program("rabbitmq-server"), program("epmd")
    port, names = port or free_port(), free_port()
    pid_file = directory / "rabbitmq.pid"
    settings = {
        "NODENAME": f"chassis-{port}@localhost",
        "NODE_IP_ADDRESS": "127.0.0.1",
        "NODE_PORT": str(port),
        "DIST_PORT": str(free_port()),
        "MNESIA_BASE": str(directory),
        "LOG_BASE": str(directory),
        "LOGS": "-",
        "PID_FILE": str(pid_file),
        "ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "CONFIG_FILE": str(directory / "none"),
        "CONF_ENV_FILE": str(directory / "none"),
    }
    (directory / "plugins").write_text("[].")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),  # where Erlang keeps the cookie by which its processes know each other
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        **{f"RABBITMQ_{name}": value for name, value in settings.items()},
    }
    # Erlang's registry of names: the server would start one by itself, which outlives it.
    registry = [epmd, "-address", "127.0.0.1", "-port", str(names)]
    with (
        running(registry, directory / "epmd.log", accepts_connections(names)),
        running([server], directory / "rabbitmq.log", accepts_connections(port), environment=environment),
    ):
        yield RabbitMQ(f"amqp://guest:guest@127.0.0.1:{port}//", environment, pid_file)


def program(name: str) -> str:
    """Find a program of RabbitMQ's or Erlang's; raise `MissingServiceError`."""
    found = shutil.which(name, path=os.pathsep.join((PACKAGED, os.environ["PATH"])))
    if found is None:
        raise MissingServiceError(ABSENT)
    return found
