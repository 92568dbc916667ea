"""`serve`: the API process."""

import argparse
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from chassis.agent_spec import AgentSpec
from chassis.container import Container
from chassis.http.app import create_app
from chassis.management.listener import management, management_socket
from chassis.management.vitals import Vitals
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.instrumentation import LIGHT
from chassis.telemetry.start import Telemetry, start_telemetry
from chassis.wiring import INSTRUMENTATIONS, exporting, load_agent, open_container

GRACE_SECONDS = 20


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Everything is configured by the environment."""


def run(_options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    serve(load_settings(), load_agent(), GRACE_SECONDS)
    return 0


def serve(settings: Settings, agent: AgentSpec, grace_seconds: int) -> None:
    """Serve an agent's API; requests under way may take so long when a signal has come."""
    telemetry = start_telemetry(settings, "serve", (*LIGHT, *INSTRUMENTATIONS))
    with management_socket(settings.management) as listening:
        vitals = Vitals()
        app = create_app(settings, agent, lambda: opened(settings, agent, telemetry, listening, vitals), vitals)
        uvicorn.run(
            app,
            host=settings.http.host,
            port=settings.http.port,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",  # no websocket is served, and importing the library for it costs a cold start 50 ms
            timeout_graceful_shutdown=grace_seconds,
        )


@asynccontextmanager
async def opened(
    settings: Settings, agent: AgentSpec, telemetry: Telemetry, listening: socket.socket, vitals: Vitals
) -> AsyncIterator[Container]:
    """Answer probes first, so that a start that takes its time is seen to."""
    async with (
        management(listening, vitals, telemetry.exposition),
        open_container(settings, agent=agent) as container,
        exporting(settings, container.adapter_context, telemetry.traces),
    ):
        yield container
