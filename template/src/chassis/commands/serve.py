"""`serve`: the API process."""

import argparse

import uvicorn

from chassis.http.app import create_app
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import load_agent, open_container

GRACE_SECONDS = 20


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Everything is configured by the environment."""


def run(_options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    app = create_app(settings, load_agent(), lambda: open_container(settings))
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
