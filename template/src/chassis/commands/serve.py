"""`serve`: the API process."""

import argparse
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from chassis.container import Container
from chassis.http.app import create_app
from chassis.management.listener import management, management_socket
from chassis.management.vitals import Vitals
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.telemetry.meters import start_meters
from chassis.wiring import load_agent, open_container

GRACE_SECONDS = 20


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Everything is configured by the environment."""


def run(_options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    with management_socket(settings.management) as listening:
        vitals = Vitals()
        app = create_app(settings, load_agent(), lambda: opened(settings, listening, vitals), vitals)
        uvicorn.run(
            app,
            host=settings.http.host,
            port=settings.http.port,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",  # no websocket is served, and importing the library for it costs a cold start 50 ms
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    return 0


@asynccontextmanager
async def opened(settings: Settings, listening: socket.socket, vitals: Vitals) -> AsyncIterator[Container]:
    """Answer probes first, so that a start that takes its time is seen to."""
    exposition = start_meters(settings.service, "serve")
    async with management(listening, vitals, exposition), open_container(settings) as container:
        yield container
