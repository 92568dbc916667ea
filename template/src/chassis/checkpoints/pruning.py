"""Pruning by age, now and then, by every worker: two that do it at once do no harm."""

import asyncio
import datetime as dt
import random

import structlog

from chassis.checkpoints.settings import CheckpointSettings
from chassis.ports.checkpoints import Checkpoints

log = structlog.get_logger()

EVERY_SECONDS = 3600.0
BATCH = 1000
"""Threads at a time; the rest is an hour younger than it might be."""


async def prune_regularly(
    checkpoints: Checkpoints, settings: CheckpointSettings, every_seconds: float = EVERY_SECONDS
) -> None:
    """Prune until cancelled; what fails is tried again the next time."""
    while True:
        await asyncio.sleep(every_seconds * random.uniform(0.5, 1.5))  # noqa: S311 - so that workers take turns
        try:
            threads = await checkpoints.prune_older(
                dt.datetime.now(dt.UTC) - dt.timedelta(days=settings.keep_days), BATCH
            )
        except Exception as error:  # noqa: BLE001 - each store has errors of its own, and the worker goes on
            log.warning("checkpoints.not_pruned", error=type(error).__name__)
        else:
            log.info("checkpoints.pruned", threads=threads)
