"""What every adapter for live events must do."""

import asyncio
from uuid import uuid4

import pytest

from chassis.container import Container

pytestmark = pytest.mark.slow


async def test_a_follower_is_told_about_its_run_only(container: Container) -> None:
    mine, other = uuid4(), uuid4()
    loop = asyncio.get_running_loop()
    async with container.live_events.subscribe(mine) as wait:
        async with asyncio.timeout(10):
            told = False
            while not told:  # the listener may still be connecting
                await container.live_events.notify(mine)
                started = loop.time()
                await wait(0.5)
                told = loop.time() - started < 0.45
        await container.live_events.notify(other)
        started = loop.time()
        await wait(0.3)
        assert loop.time() - started >= 0.29


async def test_many_followers_share_one_connection(container: Container) -> None:
    run_id = uuid4()
    followers = [container.live_events.subscribe(run_id) for _ in range(200)]
    waits = [await follower.__aenter__() for follower in followers]
    waiting = [asyncio.ensure_future(wait(5)) for wait in waits]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(4):
        await container.live_events.notify(run_id)
        await asyncio.gather(*waiting)
    for follower in followers:
        await follower.__aexit__(None, None, None)
