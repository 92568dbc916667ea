"""Cancelling tasks for good."""

import asyncio
from typing import Any

AGAIN_AFTER_SECONDS = 5.0
"""As long as a task may take to tidy up undisturbed."""


async def cancel_until_ended(*tasks: asyncio.Task[Any], again_after: float = AGAIN_AFTER_SECONDS) -> None:
    """Cancel tasks, and wait until they have ended; what becomes of them is not looked at.

    Again where that was lost: before Python 3.12 `asyncio.wait_for`, with which psycopg's pool waits for a connection, loses a
    cancellation that comes together with what it waits for (github.com/python/cpython/issues/86296).
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_after)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio would complain that nobody did
