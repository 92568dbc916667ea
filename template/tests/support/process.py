"""Runs an agent, the sample unless one is named, as a process: `python -m tests.support.process [work|serve [MODULE:NAME]]`."""

import asyncio
import datetime as dt
import os
import sys
from contextlib import AbstractContextManager, nullcontext

import time_machine
import uvicorn
from tests.support.sample_agent import SAMPLE

from chassis.agent_spec import AgentSpec
from chassis.commands.work import work
from chassis.http.app import create_app
from chassis.import_strings import load_object
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_container


def serve(settings: Settings, agent: AgentSpec) -> None:
    """Serve the API."""
    app = create_app(settings, agent, lambda: open_container(settings, agent=agent))
    uvicorn.run(app, port=settings.http.port, log_config=None, access_log=False, timeout_graceful_shutdown=5)


def clock_off_by(hours: float) -> AbstractContextManager[object]:
    """Have this process, and it alone, believe in another time of day; how fast time passes stays the same."""
    return (
        time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours), tick=True) if hours else nullcontext()
    )


if __name__ == "__main__":
    configured = load_settings()
    configure_logging(configured.environment, configured.service.log_level)
    what, *named = sys.argv[1:] or ["work"]
    chosen: AgentSpec = load_object(named[0]) if named else SAMPLE
    if what == "serve":
        serve(configured, chosen)
    else:
        with clock_off_by(float(os.environ.get("TESTS_CLOCK_OFF_BY_HOURS", "0"))):
            asyncio.run(work(configured, agent=chosen))
