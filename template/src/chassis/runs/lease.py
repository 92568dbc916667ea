"""Claiming a run, keeping it, and writing only while it is still ours. All times are the database's."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.db.engine import Sessions
from chassis.ports.errors import ChassisError
from chassis.ports.identity import Principal
from chassis.runs.tables import ACTIVE, OutboxEntry, Run
from chassis.runs.transient import TRANSIENT

log = structlog.get_logger()


class LeaseLostError(ChassisError):
    """Another worker took this run over, or it was ended; this worker stops writing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed run: what to execute, for whom, and the fence that proves the claim."""

    run_id: UUID
    thread_id: UUID
    assistant_id: UUID
    kwargs: dict[str, Any]
    metadata: dict[str, Any]
    caller: Principal
    attempt: int
    fence: int


async def claim(sessions: Sessions, worker_id: str, limit: int, lease_seconds: float) -> Sequence[Lease]:
    """Claim up to `limit` pending runs, oldest first, one at a time on each thread."""
    earlier = aliased(Run)
    blocked = exists().where(
        earlier.thread_id == Run.thread_id, earlier.sequence < Run.sequence, earlier.status.in_(ACTIVE)
    )
    due = (
        select(Run.run_id)
        .where(Run.status == "pending", ~blocked)
        .order_by(Run.sequence)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Run)
        .where(Run.run_id == due.c.run_id)
        .values(
            status="running",
            worker_id=worker_id,
            attempt=Run.attempt + 1,
            fence=Run.fence + 1,
            lease_expires_at=func.now() + dt.timedelta(seconds=lease_seconds),
        )
        .returning(Run)
    )
    async with sessions.begin() as session:
        rows = (await session.scalars(statement, execution_options={"synchronize_session": False})).all()
        claimed = [row.run_id for row in rows]
        if claimed:
            heard = update(OutboxEntry).where(OutboxEntry.run_id.in_(claimed), OutboxEntry.published_at.is_(None))
            await session.execute(heard.values(published_at=func.now()))
        return [
            Lease(
                run_id=row.run_id,
                thread_id=row.thread_id,
                assistant_id=row.assistant_id,
                kwargs=row.kwargs,
                metadata=row.run_metadata,
                caller=Principal.from_json(row.caller),
                attempt=row.attempt,
                fence=row.fence,
            )
            for row in sorted(rows, key=lambda row: row.sequence)
        ]


async def keep(sessions: Sessions, lease: Lease, lease_seconds: float) -> None:
    """Extend the lease three times within its length until it is lost, then return.

    A database that cannot be reached is not yet a lost lease; one that could not be extended for its whole length is.
    """
    loop = asyncio.get_running_loop()
    valid_until = loop.time() + lease_seconds
    while loop.time() < valid_until:
        await asyncio.sleep(lease_seconds / 3)
        asked_at = loop.time()
        try:
            async with sessions.begin() as session:
                kept = await session.scalar(
                    update(Run)
                    .where(Run.run_id == lease.run_id, Run.fence == lease.fence, Run.status == "running")
                    .values(lease_expires_at=func.now() + dt.timedelta(seconds=lease_seconds))
                    .returning(Run.fence)
                )
        except TRANSIENT as error:
            log.warning("run.heartbeat_failed", run_id=str(lease.run_id), error=type(error).__name__)
            continue
        if kept is None:
            return
        valid_until = asked_at + lease_seconds


@asynccontextmanager
async def fenced(sessions: Sessions, lease: Lease, *, exclusive: bool = False) -> AsyncIterator[AsyncSession]:
    """Open a transaction that commits only what a worker still holding `lease` may write.

    The share lock keeps a take-over waiting until the commit; `exclusive` is for ending the run itself.
    """
    async with sessions.begin() as session:
        held = await session.scalar(
            select(Run.fence)
            .where(Run.run_id == lease.run_id, Run.fence == lease.fence, Run.status == "running")
            .with_for_update(read=not exclusive)
        )
        if held is None:
            raise LeaseLostError
        yield session
