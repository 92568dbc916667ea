"""Runs the sample agent's worker as a process of its own: `python -m tests.support.process`."""

import asyncio

from tests.support.sample_agent import SAMPLE

from chassis.commands.work import work
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging

if __name__ == "__main__":
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    asyncio.run(work(settings, agent=SAMPLE))
