"""Following runs: each event once and in order, however it is noticed, and however slow the follower."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE

from chassis.container import Container
from chassis.ports.identity import Principal
from chassis.runs import feed as feeds
from chassis.runs.accept import RunRequest, accept
from chassis.runs.events import APPEND_NEXT, END, told_next
from chassis.runs.feed import EventFeed, follow, open_feed
from chassis.runs.written import Event
from chassis.wiring import open_container

pytestmark = pytest.mark.slow

PRINCIPAL = Principal("feed", "ada", ("admin",))


class Deaf:
    """Live events of which nobody ever hears."""

    async def notify(self, _run_id: UUID) -> None:
        """Say nothing."""

    async def check(self) -> None:
        """Be well."""

    def listen(self, _grown: Callable[[UUID | None], None]) -> AbstractAsyncContextManager[None]:
        """Hear nothing."""
        return nullcontext()


@pytest.fixture(scope="module")
async def container(environment: Mapping[str, str]) -> AsyncIterator[Container]:
    async with open_container(await isolated_settings(environment, "feed"), agent=SAMPLE) as container:
        yield container


@pytest.fixture
async def feed(container: Container) -> AsyncIterator[EventFeed]:
    async with open_feed(container.sessions, container.live_events) as feed:
        yield feed


async def accepted(container: Container) -> UUID:
    request = RunRequest(container.agent.assistant_id, {"stream_mode": ["values"]}, {}, create_thread=True)
    async with container.sessions.begin() as session:
        return (await accept(session, container.kinds, PRINCIPAL, None, request)).job_id


async def write(container: Container, run_id: UUID, *events: Event) -> None:
    async with container.sessions.begin() as session:
        added = told_next(run_id, PRINCIPAL, *((event.event, event.payload) for event in events))
        await session.execute(APPEND_NEXT, added)
    await container.live_events.notify(run_id)


async def seen(feed: EventFeed, run_id: UUID, after: int = 0) -> list[int]:
    return [event.sequence async for event in follow(feed, run_id, after) if event is not None]


@asynccontextmanager
async def counted_reads(container: Container) -> AsyncIterator[list[str]]:
    engine = container.sessions.kw["bind"].sync_engine
    reads: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "run_event" in statement and statement.lstrip().startswith("SELECT"):
            reads.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    yield reads
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)


async def test_each_follower_gets_each_event_once_and_in_order(container: Container, feed: EventFeed) -> None:
    run_id = await accepted(container)
    followers = [asyncio.create_task(seen(feed, run_id, after)) for after in (0, 0, 2)]
    for number in range(1, 30):
        await write(container, run_id, Event(number, "values", "{}"))
    await write(container, run_id, Event(30, END, "null"))
    async with asyncio.timeout(60):
        assert await asyncio.gather(*followers) == [list(range(1, 31))] * 2 + [list(range(3, 31))]


async def test_a_thousand_followers_that_wait_cost_a_few_queries(container: Container, feed: EventFeed) -> None:
    runs = [await accepted(container) for _ in range(20)]
    followers = [asyncio.create_task(seen(feed, run_id)) for run_id in runs for _ in range(50)]
    await asyncio.sleep(0.2)
    async with counted_reads(container) as reads, asyncio.timeout(60):
        for run_id in runs:
            await write(container, run_id, Event(1, END, "null"))
        assert await asyncio.gather(*followers) == [[1]] * 1000
    assert len(reads) <= 2 * len(runs)


async def test_nothing_is_lost_when_no_notification_arrives(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "POLL_SECONDS", 0.5)
    monkeypatch.setattr(feeds, "SIGN_OF_LIFE_SECONDS", 3600)  # after one a follower looks by itself
    run_id = await accepted(container)
    async with (
        counted_reads(container) as reads,
        open_feed(container.sessions, Deaf()) as feed,
        asyncio.timeout(60),
    ):
        follower = asyncio.create_task(seen(feed, run_id))
        await asyncio.sleep(0.05)
        assert reads, "it looks when somebody comes; what is written after that, only polling finds"
        await write(container, run_id, Event(1, "values", "{}"), Event(2, END, "null"))
        assert await follower == [1, 2]


async def test_nothing_is_lost_where_many_are_waiting_and_others_are_told_all_the_time(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(feeds, "SIGN_OF_LIFE_SECONDS", 3600)  # after one a follower looks by itself
    monkeypatch.setattr(feeds, "PLACES", 3)
    busy, *runs = [await accepted(container) for _ in range(11)]
    async with open_feed(container.sessions, Deaf()) as feed, asyncio.timeout(60):
        others = [asyncio.create_task(seen(feed, busy)), asyncio.create_task(told_all_the_time(feed, busy))]
        followers = [asyncio.create_task(seen(feed, run_id)) for run_id in runs]
        await asyncio.sleep(0.2)
        for run_id in runs:
            await write(container, run_id, Event(1, END, "null"))
        try:
            assert await asyncio.gather(*followers) == [[1]] * 10
        finally:
            for other in others:
                other.cancel()


async def told_all_the_time(feed: EventFeed, run_id: UUID) -> None:
    while True:
        feed.grown(run_id)
        await asyncio.sleep(0.001)


async def test_a_follower_far_behind_gets_the_log_in_bounded_parts(container: Container, feed: EventFeed) -> None:
    run_id = await accepted(container)
    large = f'"{"x" * 10_000}"'
    await write(
        container, run_id, *(Event(number, "values", large) for number in range(1, 100)), Event(100, END, "null")
    )
    first = await feed.next_events(run_id, 0, 5)
    assert 1 <= len(first) <= feeds.BYTES / 10_000 + 1
    assert await seen(feed, run_id) == list(range(1, 101))


async def test_one_event_that_is_longer_than_a_part_is_given_whole(container: Container, feed: EventFeed) -> None:
    run_id = await accepted(container)
    await write(container, run_id, Event(1, "values", f'"{"x" * 2 * feeds.BYTES}"'), Event(2, END, "null"))
    assert await seen(feed, run_id) == [1, 2]


async def test_followers_that_went_away_are_forgotten(container: Container, feed: EventFeed) -> None:
    run_id = await accepted(container)
    followers = [asyncio.create_task(seen(feed, run_id)) for _ in range(10)]
    await asyncio.sleep(0.1)
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    assert feed.followed == 0


async def test_a_sign_of_life_is_given_while_nothing_happens(
    container: Container, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SIGN_OF_LIFE_SECONDS", 0.05)
    run_id = await accepted(container)
    following = follow(feed, run_id)
    assert await anext(following) is None
    await write(container, run_id, Event(1, END, "null"))
    assert [event async for event in following if event is not None] == [Event(1, END, "null")]
