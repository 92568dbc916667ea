"""What every adapter for live events must do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from tests.support.state_store import StateStore

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import open_live_events

pytestmark = pytest.mark.slow


class Heard:
    """Everything that was heard, and a way to wait for it."""

    def __init__(self) -> None:
        self.runs: list[UUID | None] = []
        self._more = asyncio.Event()

    def __call__(self, run_id: UUID | None) -> None:
        self.runs.append(run_id)
        self._more.set()

    async def until(self, run_id: UUID | None, count: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.runs.count(run_id) < count:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def listening(container: Container) -> AsyncIterator[Heard]:
    heard = Heard()
    async with container.live_events.listen(heard):
        await heard.until(None)
        yield heard


async def test_who_begins_to_listen_is_told_to_look_at_everything(container: Container) -> None:
    async with listening(container) as heard:
        assert heard.runs == [None]


async def test_what_is_notified_is_heard_by_everybody_who_listens(container: Container) -> None:
    run_id = uuid4()
    async with listening(container) as one, listening(container) as other:
        await container.live_events.notify(run_id)
        await one.until(run_id)
        await other.until(run_id)


async def test_many_notifications_are_heard_in_order(container: Container) -> None:
    runs = [uuid4() for _ in range(200)]
    async with listening(container) as heard:
        for run_id in runs:
            await container.live_events.notify(run_id)
        await heard.until(runs[-1])
        assert [run_id for run_id in heard.runs if run_id in set(runs)] == runs


async def test_who_has_stopped_to_listen_hears_nothing(container: Container) -> None:
    run_id = uuid4()
    async with listening(container) as gone:
        pass
    async with listening(container) as heard:
        await container.live_events.notify(run_id)
        await heard.until(run_id)
    assert run_id not in gone.runs


async def test_a_state_store_that_is_away_is_found_and_one_that_is_back_too(state_store: StateStore) -> None:
    async with (
        asyncio.timeout(60),
        open_live_events(state_store.settings.state_store, state_store.context) as live_events,
    ):
        await live_events.check()
        with state_store.outage(), pytest.raises(UnavailableError):
            await live_events.check()
        while True:
            try:
                await live_events.check()
                break
            except UnavailableError:
                await asyncio.sleep(0.1)
