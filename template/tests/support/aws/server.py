"""One moto for all tests of a process; it starts in about a second and is emptied for each test."""

import atexit
import sys
import urllib.request
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from chassis.dev.services import accepts_connections, free_port, running

REGION = "eu-central-1"


@cache
def moto_url() -> str:
    """Start the server at the first call; it ends with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="chassis-moto-")))
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    stack.enter_context(running(command, directory / "moto.log", accepts_connections(port)))
    return f"http://127.0.0.1:{port}"


def empty_moto() -> str:
    """Give the server with nothing in it."""
    request = urllib.request.Request(f"{moto_url()}/moto-api/reset", method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        return moto_url()


def administrator(service: Any, url: str | None = None) -> Any:
    """Give a client that may do everything, there or on the one moto, and is not what the tests are about."""
    session = boto3.Session("AKIAADMINISTRATOR000", "administrator", region_name=REGION)
    return session.client(service, endpoint_url=url or moto_url())
