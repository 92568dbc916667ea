"""Whoever does not hear the first time is told again."""

import asyncio

import pytest

from chassis.cancelling import cancel_until_ended


async def deaf(times: int) -> None:
    """Lose so many cancellations, as wait_for does when it has just got what it waited for."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_lost_cancellation_is_repeated(times: int) -> None:
    task = asyncio.create_task(deaf(times))
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await cancel_until_ended(task, again_after=0.01)
    assert task.cancelled()


async def test_what_has_ended_or_failed_is_no_trouble() -> None:
    async def failing() -> None:
        message = "seen by nobody"
        raise RuntimeError(message)

    ended, failed = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(failing())
    await asyncio.sleep(0.01)
    await cancel_until_ended(ended, failed)
    assert (ended.done(), failed.done()) == (True, True)
