"""Following runs: one reader a process asks the log for all followers at once, when they were told or now and then.

So a stream costs no connection and no query of its own while nothing happens, and ten thousand of them that get an event at
the same time cost a few dozen queries.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from sqlalchemy import text

from chassis.db.engine import Sessions, single_statement
from chassis.jobs.transient import is_transient
from chassis.ports.live_events import LiveEvents
from chassis.runs.events import END
from chassis.runs.written import Event
from chassis.telemetry.metrics import STREAM_CLIENTS

log = structlog.get_logger()

POLL_SECONDS = 1.0
"""So often some logs are looked at, whatever was notified: as many as one query takes, those next in turn."""
RETRY_SECONDS = 1.0
SIGN_OF_LIFE_SECONDS = 15.0
"""Proxies cut off a response that is silent; 60 s is a usual default (nginx, `proxy_read_timeout`)."""

PLACES = 500
"""How many places in logs one query looks at."""
BYTES = 65_536
"""How much of a log a follower gets at once; at least one event. What is beyond waits in the database for who is slow."""

Place = tuple[UUID, int]
"""A run, and the sequence number of the last event that was seen of it."""

READ = text("""
SELECT wanted.run_id, wanted.after, later.sequence, later.event, later.payload
FROM unnest(CAST(:runs AS uuid[]), CAST(:afters AS bigint[])) AS wanted (run_id, after)
CROSS JOIN LATERAL (
    SELECT sequence, event, payload, sum(octet_length(payload)) OVER (ORDER BY sequence) - octet_length(payload) AS skipped
    FROM (
        SELECT sequence, event, payload FROM run_event
        WHERE run_event.run_id = wanted.run_id AND run_event.sequence > wanted.after
        ORDER BY sequence LIMIT 500
    ) AS following
) AS later
WHERE later.skipped < :bytes
ORDER BY wanted.run_id, wanted.after, later.sequence
""")


class EventFeed:
    """Gives each follower the events after the last one it saw, as soon as they are there."""

    def __init__(self, sessions: Sessions) -> None:
        """Read with `sessions`, on one connection at a time."""
        self._sessions = sessions
        self._waiting: defaultdict[Place, set[asyncio.Future[list[Event]]]] = defaultdict(set)
        self._places: defaultdict[UUID, set[Place]] = defaultdict(set)
        self._due: dict[Place, None] = {}
        self._turns: list[Place] = []
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many wait for something at the moment."""
        return sum(map(len, tuple(self._waiting.values())))

    @property
    def followed(self) -> int:
        """How many runs are followed at the moment."""
        return len(self._places)

    def grown(self, run_id: UUID | None) -> None:
        """Look at this run's log for those who wait for it, or at all of them."""
        self._look_at(self._waiting if run_id is None else self._places.get(run_id, ()))

    async def next_events(self, run_id: UUID, after: int, seconds: float, *, look: bool = True) -> Sequence[Event]:
        """Give what follows in the log; nothing when nothing was written for so many seconds.

        look: whether something may be there already; else it is looked at when its growth is told, or the next poll comes.
        """
        place = (run_id, after)
        answer: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self._waiting[place].add(answer)
        self._places[run_id].add(place)
        if look:
            self._look_at([place])
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            return []
        finally:
            self._leave(place, answer)

    async def run(self) -> None:
        """Read until cancelled."""
        loop = asyncio.get_running_loop()
        poll_at = loop.time() + POLL_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(poll_at):
                    await self._wake.wait()
            if loop.time() >= poll_at:
                self._poll()
                poll_at = loop.time() + POLL_SECONDS
            if self._due:
                await self._read_some()
            if not self._due:
                self._wake.clear()

    def _poll(self) -> None:
        """Look at those who are next in turn: however many follow, that is one query."""
        self._turns = self._turns or list(self._waiting)
        self._look_at([place for place in self._turns[:PLACES] if place in self._waiting])
        del self._turns[:PLACES]

    async def _read_some(self) -> None:
        places = [place for place, _ in zip(self._due, range(PLACES), strict=False)]
        for place in places:
            del self._due[place]
        try:
            self._answer(await self._read(places))
        except Exception as error:  # whatever it was, those who wait are not given up
            if is_transient(error):
                log.warning("feed.read_failed", followers=len(self._waiting), error=type(error).__name__)
            else:
                log.exception("feed.read_failed")
            self._look_at(places)
            await asyncio.sleep(RETRY_SECONDS)

    def _look_at(self, places: "Sequence[Place] | set[Place] | Mapping[Place, object]") -> None:
        self._due.update(dict.fromkeys(places))
        self._wake.set()

    def _leave(self, place: Place, answer: asyncio.Future[list[Event]]) -> None:
        waiting = self._waiting[place]
        waiting.discard(answer)
        if not waiting:
            del self._waiting[place]
            self._due.pop(place, None)
            places = self._places[place[0]]
            places.discard(place)
            if not places:
                del self._places[place[0]]

    async def _read(self, places: Sequence[Place]) -> Mapping[Place, list[Event]]:
        found: defaultdict[Place, list[Event]] = defaultdict(list)
        wanted = {"runs": [run for run, _ in places], "afters": [after for _, after in places], "bytes": BYTES}
        async with single_statement(self._sessions) as session:
            for run_id, after, *event in await session.execute(READ, wanted):
                found[run_id, after].append(Event(*event))
        return found

    def _answer(self, found: Mapping[Place, list[Event]]) -> None:
        for place, events in found.items():
            for answer in self._waiting.get(place, ()):
                if not answer.done():
                    answer.set_result(events)


@asynccontextmanager
async def open_feed(sessions: Sessions, live_events: LiveEvents) -> AsyncIterator[EventFeed]:
    """Listen and read while the context is open."""
    feed = EventFeed(sessions)
    reader = asyncio.create_task(feed.run(), name="feed")
    try:
        async with live_events.listen(feed.grown):
            with STREAM_CLIENTS.reading(lambda: [(feed.waiting, {})]):
                yield feed
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def follow(feed: EventFeed, run_id: UUID, after: int = 0, *, new: bool = False) -> AsyncIterator[Event | None]:
    """Yield a run's events from `after` on until its `end`, on any replica, however the notifications fare.

    A `new` run was accepted just now, and its log hardly has anything. `None` is yielded when nothing happened for a while, so that the caller can show a sign of life.
    """
    while True:
        events = await feed.next_events(run_id, after, SIGN_OF_LIFE_SECONDS, look=not new)
        new = False
        for event in events:
            after = event.sequence
            yield event
            if event.event == END:
                return
        if not events:
            yield None
