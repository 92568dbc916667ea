"""The run's event log: written by the worker that holds the lease, read by any replica."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import json
from chassis.db.engine import Sessions
from chassis.jobs.lease import Lease, fenced
from chassis.jobs.transient import TRANSIENT
from chassis.ports.fence import LeaseLostError
from chassis.ports.identity import Principal
from chassis.ports.live_events import LiveEvents
from chassis.runs.projection import StateProjection
from chassis.runs.tables import RunEvent
from chassis.runs.written import Event, Step, write

END = "end"
ERROR = "error"
TRUNCATED = "truncated"
ALWAYS_TOLD = ("metadata", ERROR, END)
FLUSH_SECONDS = 0.05
PROJECT_SECONDS = 1.0


APPEND_NEXT = text("""
INSERT INTO run_event (run_id, tenant_id, owner_id, sequence, event, payload)
SELECT :run, :tenant, :owner, last.sequence + added.place, added.event, added.payload
FROM unnest(CAST(:events AS text[]), CAST(:payloads AS text[])) WITH ORDINALITY AS added (event, payload, place)
CROSS JOIN (SELECT coalesce(max(sequence), 0) AS sequence FROM run_event WHERE run_id = :run) AS last
""").bindparams(bindparam("run", type_=Uuid))
"""Adds events after whatever the log has; for whoever holds the lock of the run's row."""


def told_next(run_id: UUID, owner: Principal, *events: tuple[str, str]) -> dict[str, Any]:
    """Give the values of `APPEND_NEXT`: events, each with its payload."""
    columns = {"events": [event for event, _ in events], "payloads": [payload for _, payload in events]}
    return {"run": run_id, "tenant": owner.tenant_id, "owner": owner.subject, **columns}


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a log has come: the number of its next event, the bytes of those before, and whether it is full."""

    next_sequence: int
    size: int
    truncated: bool


EMPTY = Extent(next_sequence=1, size=0, truncated=False)


async def extent(session: AsyncSession, run_id: UUID) -> Extent:
    """Measure a log; exact for whoever holds the lease, or the lock of the run's row."""
    size = func.coalesce(func.sum(func.octet_length(RunEvent.payload)), 0)
    last = func.coalesce(func.max(RunEvent.sequence), 0)
    truncated = func.coalesce(func.bool_or(RunEvent.event == TRUNCATED), False)
    row = (await session.execute(select(last + 1, size, truncated).where(RunEvent.run_id == run_id))).one()
    return Extent(*row)


class RunLog:
    """Collects a run's events and its latest state, and writes both in batches: events at most 50 ms after they came.

    No commit and no notification per token or step: a model's stream of a hundred deltas a second becomes twenty
    writes, and a state that nobody streams is projected once a second. LangGraph's checkpoints, not this log, are
    what a run resumes from, so a crash costs the log at most the last batch.

    A log is bounded: beyond `limit` bytes what a stream would show is left out, and the log says so once. The attempts, the
    error and the end are always told, and the thread's state is kept whatever was streamed of it.
    """

    def __init__(
        self,
        sessions: Sessions,
        live_events: LiveEvents,
        lease: Lease,
        thread_id: UUID,
        begun: Extent,
        limit: int,
    ) -> None:
        """Write for `lease`, which is a run on that thread, after what earlier attempts have `begun`."""
        self._sessions = sessions
        self._live_events = live_events
        self._lease = lease
        self._thread_id = thread_id
        self._next = begun.next_sequence
        self._size = begun.size
        self._truncated = begun.truncated
        self._limit = limit
        self._pending: list[Event] = []
        self._state: StateProjection | None = None
        self._writing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    def add(self, event: str, data: Any, within: float = FLUSH_SECONDS) -> None:
        """Take an event, unless the log is full; it is written within so many seconds."""
        payload = json.dumps(data)
        if event not in ALWAYS_TOLD:
            if self._truncated:
                return
            self._size += len(payload)
            if self._size > self._limit:
                self._truncated = True
                event, payload = TRUNCATED, json.dumps({"message": f"This log has reached {self._limit} bytes."})
        self._pending.append(Event(self._next, event, payload))
        self._next += 1
        self._schedule(within)

    def project(self, state: StateProjection) -> None:
        """Take the state after a step."""
        self._state = state
        self._schedule(PROJECT_SECONDS)

    async def flush(self) -> None:
        """Write what was collected and tell the followers; what cannot be written stays collected."""
        async with self._writing:
            self._stop_timer()
            batch, state = list(self._pending), self._state
            async with fenced(self._sessions, self._lease) as session:
                await write(session, self._lease, self._thread_id, events=batch, state=state)
            del self._pending[: len(batch)]
            if self._state is state:
                self._state = None
        if batch:
            await self._live_events.notify(self._lease.job_id)

    async def write_last(self, session: AsyncSession, steps: Sequence[Step]) -> None:
        """Write what is left, and what was done, within the transaction that ends the attempt; call `settle` first."""
        await write(session, self._lease, self._thread_id, events=self._pending, state=self._state, steps=steps)

    async def settle(self) -> None:
        """Schedule no more flushes and wait for the one under way, which is never cut off in its commit."""
        self._stop_timer()
        if self._flushing is not None:
            await asyncio.gather(self._flushing, return_exceptions=True)

    def _schedule(self, seconds: float) -> None:
        due = asyncio.get_running_loop().time() + seconds
        if self._timer is None or self._timer.when() > due:
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_at(due, self._flush_now)

    def _flush_now(self) -> None:
        self._timer = None
        self._flushing = asyncio.create_task(self._flush_quietly())

    async def _flush_quietly(self) -> None:
        # What goes wrong here goes wrong again when the run ends, which is where it is dealt with.
        with suppress(LeaseLostError, *TRANSIENT):
            await self.flush()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
