"""Claiming jobs, and writing only while they are still ours. All times are the database's."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import RowMapping, Table, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db.engine import Sessions
from chassis.jobs.tables import ACTIVE, Job, OutboxEntry
from chassis.ports.fence import Fence, LeaseLostError
from chassis.ports.identity import Principal

jobs = cast("Table", Job.__table__)


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed job: what to execute, for whom, and the fence that proves the claim.

    progress: what an earlier attempt reported last.
    seconds_left: what is left of its time limit, which counts from the first claim; None is as long as it takes.
    """

    job_id: UUID
    sequence: int
    kind: str
    payload: dict[str, Any]
    progress: dict[str, Any] | None
    caller: Principal
    attempt: int
    fence: int
    seconds_left: float | None = None

    @property
    def proof(self) -> Fence:
        """What stores outside this database are shown."""
        return Fence(self.job_id, self.sequence, self.fence)


async def claim(
    sessions: Sessions, worker_id: str, kinds: Sequence[str], limit: int, lease_seconds: float
) -> Sequence[Lease]:
    """Claim up to `limit` due jobs of these kinds, by priority and then age; of those on one thread the oldest alone.

    A worker of the previous release does not know the kinds of the next one, and leaves them alone.
    """
    earlier = jobs.alias()
    blocked = exists().where(
        earlier.c.thread_id == jobs.c.thread_id,
        earlier.c.sequence < jobs.c.sequence,
        earlier.c.status.in_(ACTIVE),
    )
    due = (
        select(jobs.c.run_id)
        .where(jobs.c.status == "pending", jobs.c.kind.in_(kinds), jobs.c.due_at <= func.now(), ~blocked)
        .order_by(jobs.c.priority.desc(), jobs.c.sequence)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    started_at = func.coalesce(jobs.c.started_at, func.now())
    statement = (
        update(jobs)
        .where(jobs.c.run_id == due.c.run_id)
        .values(
            status="running",
            worker_id=worker_id,
            attempt=jobs.c.attempt + 1,
            fence=jobs.c.fence + 1,
            started_at=started_at,
            lease_expires_at=func.now() + dt.timedelta(seconds=lease_seconds),
        )
        .returning(
            jobs, (jobs.c.time_limit_seconds - func.extract("epoch", func.now() - started_at)).label("seconds_left")
        )
    )
    async with sessions.begin() as session:
        rows = (await session.execute(statement)).mappings().all()
        claimed = [row["run_id"] for row in rows]
        if claimed:
            heard = update(OutboxEntry).where(OutboxEntry.job_id.in_(claimed), OutboxEntry.published_at.is_(None))
            await session.execute(heard.values(published_at=func.now()))
        return [_lease(row) for row in sorted(rows, key=lambda row: (-row["priority"], row["sequence"]))]


def _lease(row: RowMapping) -> Lease:
    return Lease(
        job_id=row["run_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        payload=row["kwargs"],
        progress=row["progress"],
        caller=Principal.from_json(row["caller"]),
        attempt=row["attempt"],
        fence=row["fence"],
        seconds_left=None if row["seconds_left"] is None else float(row["seconds_left"]),
    )


@asynccontextmanager
async def fenced(sessions: Sessions, lease: Lease, *, exclusive: bool = False) -> AsyncIterator[AsyncSession]:
    """Open a transaction that commits only what a worker still holding `lease` may write; else raise `LeaseLostError`.

    The share lock keeps a take-over waiting until the commit; `exclusive` is for ending the job itself.
    """
    async with sessions.begin() as session:
        held = await session.scalar(
            select(jobs.c.fence)
            .where(jobs.c.run_id == lease.job_id, jobs.c.fence == lease.fence, jobs.c.status == "running")
            .with_for_update(read=not exclusive)
        )
        if held is None:
            raise LeaseLostError
        yield session
