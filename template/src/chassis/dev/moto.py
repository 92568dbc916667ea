"""AWS for development and tests: moto as a server, which keeps everything in memory and asks nobody who they are."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.dev.services import accepts_connections, free_port, running


@dataclass(frozen=True, slots=True)
class Moto:
    """A running server."""

    url: str
    pid: int


@contextmanager
def moto_server(directory: Path, port: int | None = None) -> Iterator[Moto]:
    """Start the server, with nothing in it; it writes its log into `directory`."""
    port = port or free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, directory / "moto.log", accepts_connections(port)) as pid:
        yield Moto(f"http://127.0.0.1:{port}", pid)
