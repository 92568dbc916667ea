"""The second port of every process: for probes and Prometheus, inside the cluster only, without credentials."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, nullcontext

import structlog
import uvicorn

from chassis.management.app import management_app
from chassis.management.vitals import Vitals
from chassis.ports.errors import ConfigurationError
from chassis.settings import ManagementSettings

log = structlog.get_logger()

CONNECTIONS = 100
"""More at once are turned away: whoever reaches the port cannot take the process' file descriptors."""
GRACE_SECONDS = 1


class _Server(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()  # they are for the process, which ends this with itself


@contextmanager
def management_socket(settings: ManagementSettings) -> Iterator[socket.socket]:
    """Take the port; raise `ConfigurationError` when it cannot be had, before anything else is opened."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        message = (
            f"The management port {settings.host}:{settings.port} cannot be had: {error.strerror}. "
            "Processes on one machine need one each: CHASSIS__MANAGEMENT__PORT (0 takes any that is free)."
        )
        raise ConfigurationError(message) from error
    with closing(listening):
        yield listening


@asynccontextmanager
async def management(listening: socket.socket, vitals: Vitals, exposition: Callable[[], bytes]) -> AsyncIterator[None]:
    """Answer on the port while the context is open, in this event loop: one that is stuck does not look alive."""
    config = uvicorn.Config(
        management_app(vitals, exposition),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="management")
    host, port = listening.getsockname()[:2]
    log.info("management.listening", host=host, port=port)
    try:
        yield
    finally:
        server.should_exit = True
        await serving
