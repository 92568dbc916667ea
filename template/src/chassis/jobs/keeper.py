"""Keeping the leases of one worker, and noticing that one was lost or is to be given up: one query for all of them."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.exc import OperationalError

from chassis.db.engine import Sessions, single_statement
from chassis.jobs.lease import Lease
from chassis.jobs.tables import jobs
from chassis.jobs.transient import TRANSIENT

log = structlog.get_logger()

LOOK_SECONDS = 1.0
LOCKED_MILLISECONDS = 200

StopReason = Literal["lost", "cancelled", "drained"]


@dataclass
class Hold:
    """A lease while its job is executed; `stopped` is set when the execution has to end, and `reason` says why."""

    lease: Lease
    valid_until: float
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    reason: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        """Have the execution end; the first reason stays."""
        if self.reason is None:
            self.reason = reason
            self.stopped.set()


class LeaseKeeper:
    """Extends leases three times within their length, and looks every second for cancellations.

    A database that cannot be reached is not yet a lost lease; one that could not be extended for its whole length is. Only
    durations are measured here, by a clock that nobody sets; whether a lease has expired, the database says.
    """

    def __init__(self, sessions: Sessions, lease_seconds: float, clock: Callable[[], float] | None = None) -> None:
        """Keep leases of `lease_seconds`."""
        self._sessions = sessions
        self._seconds = lease_seconds
        self._clock = clock or asyncio.get_running_loop().time
        self._holds: dict[UUID, Hold] = {}

    def hold(self, lease: Lease, claimed_at: float) -> Hold:
        """Begin to keep a lease that was asked for at `claimed_at`."""
        hold = Hold(lease, claimed_at + self._seconds)
        self._holds[lease.job_id] = hold
        return hold

    def drop(self, hold: Hold) -> None:
        """Keep it no longer."""
        if self._holds.get(hold.lease.job_id) is hold:
            del self._holds[hold.lease.job_id]

    async def run(self) -> None:
        """Keep until cancelled."""
        pause = min(LOOK_SECONDS, self._seconds / 3)
        extended_at = self._clock()
        while True:
            await asyncio.sleep(pause)
            holds = list(self._holds.values())
            if not holds:
                continue
            asked_at = self._clock()
            due = asked_at - extended_at + pause / 2 >= self._seconds / 3
            try:
                if due and await self._extend(holds, asked_at):
                    extended_at = asked_at
                await self._look(holds)
            except TRANSIENT as error:
                log.warning("job.heartbeat_failed", jobs=len(holds), error=type(error).__name__)
            for hold in holds:
                if self._clock() >= hold.valid_until:
                    hold.stop("lost")

    async def _extend(self, holds: list[Hold], asked_at: float) -> bool:
        """Extend the leases; say whether that is done for all of them.

        Rows that a transaction of their own job has locked are passed over at first, since the others must not wait for them;
        then each is waited for, but not long: a task of many short steps has its row locked nearly always. Nobody else can
        take such a row over meanwhile.
        """
        mine = tuple_(jobs.c.run_id, jobs.c.fence).in_([(hold.lease.job_id, hold.lease.fence) for hold in holds])
        free = (
            select(jobs.c.run_id).where(mine, jobs.c.status == "running").with_for_update(skip_locked=True).cte("free")
        )
        extend = (
            update(jobs)
            .where(jobs.c.run_id == free.c.run_id)
            .values(lease_expires_at=func.now() + dt.timedelta(seconds=self._seconds))
            .returning(jobs.c.run_id)
        )
        async with self._sessions.begin() as session:
            extended = set((await session.scalars(extend)).all())
            held = set(extended)
            if len(extended) < len(holds):
                held |= set(
                    (await session.scalars(select(jobs.c.run_id).where(mine, jobs.c.status == "running"))).all()
                )
        for hold in holds:
            if hold.lease.job_id in held - extended and await self._extend_locked(hold):
                extended.add(hold.lease.job_id)
            if hold.lease.job_id in extended:
                hold.valid_until = asked_at + self._seconds
            elif hold.lease.job_id not in held:
                hold.stop("lost")
        return held == extended

    async def _extend_locked(self, hold: Hold) -> bool:
        """Extend one lease as soon as its row is unlocked, if that is soon."""
        extend = (
            update(jobs)
            .where(jobs.c.run_id == hold.lease.job_id, jobs.c.fence == hold.lease.fence, jobs.c.status == "running")
            .values(lease_expires_at=func.now() + dt.timedelta(seconds=self._seconds))
            .returning(jobs.c.run_id)
        )
        try:
            async with self._sessions.begin() as session:
                await session.execute(text(f"SET LOCAL lock_timeout = '{LOCKED_MILLISECONDS}ms'"))
                return await session.scalar(extend) is not None
        except OperationalError:  # still locked; or the database is away, which the next look finds out
            return False

    async def _look(self, holds: list[Hold]) -> None:
        statement = select(jobs.c.run_id).where(
            jobs.c.run_id.in_([hold.lease.job_id for hold in holds]), jobs.c.cancel_requested_at.is_not(None)
        )
        async with single_statement(self._sessions) as session:
            cancelled = set((await session.scalars(statement)).all())
        for hold in holds:
            if hold.lease.job_id in cancelled:
                hold.stop("cancelled")
