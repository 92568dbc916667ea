"""`work`: a worker process."""

import argparse
import asyncio
import signal
from typing import Unpack

import structlog
import uvloop

from chassis.audit.started import recorded_start
from chassis.jobs.worker import Worker
from chassis.management.checks import container_checks, deep_checks
from chassis.management.listener import management, management_socket
from chassis.management.vitals import Vitals
from chassis.settings import Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.instrumentation import HEAVY, LIGHT
from chassis.telemetry.start import start_telemetry
from chassis.wiring import INSTRUMENTATIONS, Overrides, exporting, open_container, open_workshop

log = structlog.get_logger()


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Everything is configured by the environment."""


def run(_options: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT comes, then drain."""
    settings = load_settings()
    uvloop.run(work(settings))
    return 0


async def work(settings: Settings, **overrides: Unpack[Overrides]) -> None:
    """Open the ports, build the graph and execute jobs."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    telemetry = start_telemetry(settings, "work", (*HEAVY, *LIGHT, *INSTRUMENTATIONS))
    vitals = Vitals()
    with management_socket(settings.management) as listening:
        async with (
            management(listening, vitals, telemetry.exposition),
            open_container(settings, **overrides) as container,
            exporting(settings, container.adapter_context, telemetry.traces),
            open_workshop(container) as workshop,
            recorded_start(container, "work"),
        ):
            worker = Worker(container, workshop)
            vitals.begin(container_checks(container), deep_checks(container))
            log.info("worker.ready", worker_id=worker.worker_id, concurrency=settings.runs.concurrency)
            await worker.run(stop)
    log.info("worker.stopped")
