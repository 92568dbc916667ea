"""That a process started, with which release and which configuration, is in the log."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import orjson
import structlog

from chassis.audit.record import operator, record
from chassis.container import Container
from chassis.jobs.transient import TRANSIENT

log = structlog.get_logger()

RETRY_SECONDS = 2.0


@asynccontextmanager
async def recorded_start(container: Container, process: str) -> AsyncIterator[None]:
    """Record it; a database that is not there yet does not keep the process from starting, and hears of it later."""
    task = asyncio.create_task(_record_until_done(container, process), name="audit:started")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _record_until_done(container: Container, process: str) -> None:
    settings = container.settings
    # No value is in the log, only whether two starts had the same ones; secrets are references here in any case.
    configuration = orjson.dumps(settings.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    while True:
        try:
            async with container.sessions.begin() as session:
                record(
                    session,
                    operator(),
                    "service.started",
                    f"process/{process}",
                    environment=settings.environment,
                    configuration=hashlib.sha256(configuration).hexdigest(),
                )
        except TRANSIENT as error:
            log.warning("audit.start_not_recorded", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
