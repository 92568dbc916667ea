"""`work`: a worker process."""

import argparse
import asyncio
import signal
from typing import Unpack

import structlog
import uvloop

from chassis.audit.started import recorded_start
from chassis.jobs.worker import Worker
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import Overrides, open_container, open_workshop

log = structlog.get_logger()


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Everything is configured by the environment."""


def run(_options: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT comes, then drain."""
    settings = load_settings()
    configure_logging(settings.environment, settings.service.log_level)
    uvloop.run(work(settings))
    return 0


async def work(settings: Settings, **overrides: Unpack[Overrides]) -> None:
    """Open the ports, build the graph and execute jobs."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with (
        open_container(settings, **overrides) as container,
        open_workshop(container) as workshop,
        recorded_start(container, "work"),
    ):
        worker = Worker(container, workshop)
        log.info("worker.ready", worker_id=worker.worker_id, concurrency=settings.runs.concurrency)
        await worker.run(stop)
    log.info("worker.stopped")
