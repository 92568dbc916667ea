"""Claiming jobs, and writing only while they are still ours. All times are the database's."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Interval, RowMapping, Select, bindparam, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db.engine import Sessions, single_statement
from chassis.jobs.tables import ACTIVE, Job, jobs, outbox
from chassis.ports.fence import Fence, LeaseLostError
from chassis.ports.identity import Principal


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed job: what to execute, for whom, and the fence that proves the claim.

    progress: what an earlier attempt reported last.
    seconds_left: what is left of its time limit, which counts from the first claim; None is as long as it takes.
    waited_seconds: how long it had been due.
    trace: the trace that it was accepted in, or redriven.
    trace_before: the trace of the attempt before this one, where there was one.
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
    waited_seconds: float = 0
    trace: Mapping[str, str] = field(default_factory=dict)
    trace_before: Mapping[str, str] | None = None

    @property
    def first(self) -> bool:
        """Whether nobody has claimed the job before."""
        return self.fence == 1

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
    values = {"kinds": kinds, "worker": worker_id, "most": limit, "lease": dt.timedelta(seconds=lease_seconds)}
    async with single_statement(sessions) as session:
        rows = (await session.execute(_claim(), values)).mappings().all()
    return [_lease(row) for row in sorted(rows, key=lambda row: (-row["priority"], row["sequence"]))]


@cache
def _claim() -> Select[Any]:
    """Build the statement, once, since to build it costs more than to execute it; not before all kinds have their columns.

    Literals where a partial index is to be used, since the plan of a prepared statement knows no values.
    """
    earlier = jobs.alias()
    blocked = exists().where(
        earlier.c.thread_id == jobs.c.thread_id,
        earlier.c.sequence < jobs.c.sequence,
        earlier.c.status.in_(bindparam("active", ACTIVE, expanding=True, literal_execute=True)),
    )
    due = (
        select(jobs.c.run_id)
        .where(
            jobs.c.status == literal("pending", literal_execute=True),
            jobs.c.kind.in_(bindparam("kinds", expanding=True)),
            jobs.c.due_at <= func.now(),
            ~blocked,
        )
        .order_by(jobs.c.priority.desc(), jobs.c.sequence)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    started_at = func.coalesce(jobs.c.started_at, func.now())
    claimed = (
        update(jobs)
        .where(jobs.c.run_id == due.c.run_id)
        .values(
            status="running",
            worker_id=bindparam("worker"),
            attempt=jobs.c.attempt + 1,
            fence=jobs.c.fence + 1,
            started_at=started_at,
            lease_expires_at=func.now() + bindparam("lease", type_=Interval),
        )
        .returning(
            jobs, (jobs.c.time_limit_seconds - func.extract("epoch", func.now() - started_at)).label("seconds_left")
        )
        .cte("claimed")
    )
    heard = (
        update(outbox)
        .where(outbox.c.run_id == claimed.c.run_id, outbox.c.published_at.is_(None))
        .values(published_at=func.now())
        .returning(outbox.c.outbox_id)
        .cte("heard")
    )
    told = outbox.alias()
    # What is due since it was accepted or redriven has not been attempted since: everything else moves `due_at`.
    entry = func.jsonb_build_array(told.c.trace_context, told.c.created_at == claimed.c.due_at)
    traces = select(func.jsonb_agg(aggregate_order_by(entry, told.c.outbox_id.desc()))).where(
        told.c.run_id == claimed.c.run_id
    )
    waited = func.extract("epoch", func.now() - claimed.c.due_at).label("waited")
    return select(claimed, waited, traces.scalar_subquery().label("traces")).add_cte(heard)


def _lease(row: RowMapping) -> Lease:
    (trace, begins), *earlier = row["traces"] or [({}, False)]
    before = (earlier[0][0] if earlier else {}) if begins else trace
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
        waited_seconds=float(row["waited"]),
        trace=trace,
        trace_before=before if row["fence"] > 1 else None,
    )


@asynccontextmanager
async def fenced(sessions: Sessions, lease: Lease, *, exclusive: bool = False) -> AsyncIterator[AsyncSession]:
    """Open a transaction that commits only what a worker still holding `lease` may write; else raise `LeaseLostError`.

    The share lock keeps a take-over waiting until the commit; `exclusive` is for ending the job itself, which the session
    then has.
    """
    async with sessions.begin() as session:
        held = await session.scalar(_held(exclusive), {"job": lease.job_id, "fence": lease.fence})
        if held is None:
            raise LeaseLostError
        yield session


@cache
def _held(exclusive: bool) -> Select[Any]:
    return (
        select(Job if exclusive else jobs.c.fence)
        .where(jobs.c.run_id == bindparam("job"), jobs.c.fence == bindparam("fence"), jobs.c.status == "running")
        .with_for_update(read=not exclusive)
    )
