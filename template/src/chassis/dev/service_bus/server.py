"""Starts a namespace as a process of its own, which can be ended, frozen and told what is wrong with it."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from chassis.dev.services import accepts_connections, free_port, running

TOLD_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ServiceBus:
    """A namespace on this machine."""

    url: str
    authority: Path
    """The certificate of the authority that signed the server's."""
    control: int

    def tell(self, command: str) -> str:
        """Have it do something, and give its answer; see `chassis.dev.service_bus.commands`."""
        with socket.create_connection(("127.0.0.1", self.control), TOLD_SECONDS) as connection:
            connection.sendall(f"{command}\n".encode())
            return connection.makefile(encoding="utf-8").readline().strip()


@contextmanager
def service_bus(directory: Path, port: int | None = None) -> Iterator[ServiceBus]:
    """Start a namespace with nothing in it; its certificate is made once for a directory, and good for this machine only."""
    directory.mkdir(parents=True, exist_ok=True)
    authority, certificate = directory / "authority.pem", directory / "server.pem"
    if not certificate.exists():
        issuer = trustme.CA()
        issuer.cert_pem.write_to_path(str(authority))
        certificate.touch(mode=0o600)
        issuer.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    port, control = port or free_port(), free_port()
    command = [sys.executable, "-m", "chassis.dev.service_bus", str(port), str(control), str(certificate)]
    with running(command, directory / "service_bus.log", accepts_connections(port)):
        yield ServiceBus(f"amqps://localhost:{port}", authority, control)
