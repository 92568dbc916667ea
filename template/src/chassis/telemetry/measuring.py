"""Looks that cost a query are made now and then by somebody who has the time, not when Prometheus asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from chassis.cancelling import cancel_until_ended
from chassis.ports.errors import ChassisError

log = structlog.get_logger()

Look = Callable[[], Awaitable[None]]


@asynccontextmanager
async def measuring(seconds: float, *looks: Look) -> AsyncIterator[None]:
    """Look every so many seconds while the context is open; a look that fails leaves its figures as they were."""
    task = asyncio.create_task(_repeat(seconds, looks), name="measuring")
    try:
        yield
    finally:
        await cancel_until_ended(task)


async def _repeat(seconds: float, looks: tuple[Look, ...]) -> None:
    while True:
        for look in looks:
            try:
                async with asyncio.timeout(seconds):
                    await look()
            except (SQLAlchemyError, OSError, ChassisError) as error:
                log.debug("telemetry.look_failed", error=type(error).__name__)
        await asyncio.sleep(seconds)
