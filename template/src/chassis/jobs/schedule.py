"""Jobs that are due now and then: one a tick, however many workers there are."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base
from chassis.db.engine import Sessions, single_statement
from chassis.jobs.insert import insert
from chassis.jobs.tables import ACTIVE, Job
from chassis.ports.identity import Principal

log = structlog.get_logger()

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SYSTEM = "system"
"""The tenant of what nobody asked for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task that is done at every tick.

    task: its name in `AgentSpec.tasks`.
    every: from one tick to the next, a second or more. Ticks are counted from 1970-01-01 00:00 UTC, so that all workers and
        releases agree on them: `timedelta(days=1)` is each midnight.
    offset: how much later each tick is: `timedelta(hours=3)` makes that three o'clock, UTC.
    payload: what the task is given; `scheduled_for` is added, the time of the tick in ISO 8601.
    tenant_id, roles: for whom it is done. The subject is `schedule:<name>`.

    Ticks that nobody was there for are made up for by one job. A tick at which the job of an earlier one is still waiting or
    running is passed over.
    """

    task: str
    every: dt.timedelta
    offset: dt.timedelta = dt.timedelta(0)
    payload: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str = SYSTEM
    roles: tuple[str, ...] = ()

    def tick_before(self, moment: dt.datetime) -> dt.datetime:
        """Give the last tick at that moment or before."""
        return EPOCH + self.offset + (moment - EPOCH - self.offset) // self.every * self.every

    def tick_after(self, moment: dt.datetime) -> dt.datetime:
        """Give the first tick later than that moment."""
        return self.tick_before(moment) + self.every


class ScheduleEntry(Base):
    """When a schedule is due next. Whoever holds the row makes the job."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[dt.datetime]


async def introduce(sessions: Sessions, schedules: Mapping[str, Schedule]) -> None:
    """Note when schedules are due that are new, or due earlier than was noted, as one is whose pause was shortened."""
    async with sessions.begin() as session:
        now = await _now(session)
        for name, schedule in sorted(schedules.items()):
            principal = _principal(name, schedule)
            entry = upsert(ScheduleEntry).values(
                name=name,
                due_at=schedule.tick_after(now),
                tenant_id=principal.tenant_id,
                owner_id=principal.subject,
            )
            earlier = func.least(ScheduleEntry.due_at, entry.excluded.due_at)
            await session.execute(entry.on_conflict_do_update(index_elements=["name"], set_={"due_at": earlier}))


async def tick(sessions: Sessions, schedules: Mapping[str, Schedule]) -> tuple[int, dt.timedelta | None]:
    """Make a job for each schedule that is due and that no other worker is at; say how many, and when to look again."""
    made = 0
    for name, schedule in schedules.items():
        async with sessions.begin() as session:
            made += await _tick(session, name, schedule)
    async with single_statement(sessions) as session:
        due = select(func.min(ScheduleEntry.due_at) - func.clock_timestamp()).where(ScheduleEntry.name.in_(schedules))
        return made, await session.scalar(due)


async def _tick(session: AsyncSession, name: str, schedule: Schedule) -> bool:
    due = select(ScheduleEntry).where(ScheduleEntry.name == name, ScheduleEntry.due_at <= func.now())
    entry = await session.scalar(due.with_for_update(skip_locked=True))
    if entry is None:
        return False
    now = await _now(session)
    entry.due_at = schedule.tick_after(now)
    principal = _principal(name, schedule)
    under_way = select(Job.job_id).where(
        Job.kind == schedule.task, Job.owner_id == principal.subject, Job.status.in_(ACTIVE)
    )
    if (earlier := await session.scalar(under_way.limit(1))) is not None:
        log.warning("schedule.passed_over", schedule=name, job_id=str(earlier))
        return False
    job = Job(
        job_id=uuid4(),
        kind=schedule.task,
        payload={**schedule.payload, "scheduled_for": schedule.tick_before(now).isoformat()},
        caller=principal.to_json(),
        tenant_id=principal.tenant_id,
        owner_id=principal.subject,
    )
    await insert(session, principal, job)
    return True


def _principal(name: str, schedule: Schedule) -> Principal:
    return Principal(schedule.tenant_id, f"schedule:{name}", schedule.roles)


async def _now(session: AsyncSession) -> dt.datetime:
    """Ask the database, which all workers agree with, for the time at which the transaction began."""
    return (await session.execute(select(func.now()))).scalar_one()
