"""Runs the sample agent as a process of its own: `python -m tests.support.process [work|serve]`."""

import asyncio
import sys

import uvicorn
from tests.support.sample_agent import SAMPLE

from chassis.commands.work import work
from chassis.http.app import create_app
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_container


def serve(settings: Settings) -> None:
    """Serve the API."""
    app = create_app(settings, SAMPLE, lambda: open_container(settings, agent=SAMPLE))
    uvicorn.run(app, port=settings.http.port, log_config=None, access_log=False, timeout_graceful_shutdown=5)


if __name__ == "__main__":
    configured = load_settings()
    configure_logging(configured.environment, configured.service.log_level)
    if sys.argv[1:] == ["serve"]:
        serve(configured)
    else:
        asyncio.run(work(configured, agent=SAMPLE))
