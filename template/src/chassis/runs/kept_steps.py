"""Keeping what an attempt did, and finding it again."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.db import json
from chassis.jobs.lease import Lease
from chassis.runs.tables import RunStep

if TYPE_CHECKING:
    from chassis.runs.steps import Step

# One statement and one parameter, however many they are: see `runs.events.APPEND`.
KEEP = text("""
INSERT INTO run_step (run_id, fence, tenant_id, owner_id, number, parent, kind, name, began_at, seconds, outcome,
    input_tokens, output_tokens, cost)
SELECT :run, :fence, :tenant, :owner, kept.*
FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS kept (number bigint, parent bigint, kind text, name text,
    began_at timestamptz, seconds float, outcome text, input_tokens bigint, output_tokens bigint, cost float)
""").bindparams(bindparam("run", type_=Uuid))


async def keep_steps(session: AsyncSession, lease: Lease, steps: "Sequence[Step]") -> None:
    """Keep them, in the transaction that ends the attempt."""
    if not steps:
        return
    rows = [
        {
            "number": step.number,
            "parent": step.parent,
            "kind": step.kind,
            "name": step.name,
            "began_at": dt.datetime.fromtimestamp(step.began, dt.UTC).isoformat(),
            "seconds": step.seconds,
            "outcome": step.outcome,
            "input_tokens": step.input_tokens,
            "output_tokens": step.output_tokens,
            "cost": step.cost,
        }
        for step in steps
    ]
    who = {"tenant": lease.caller.tenant_id, "owner": lease.caller.subject}
    await session.execute(KEEP, {"run": lease.job_id, "fence": lease.fence, **who, "steps": json.dumps(rows)})


async def kept_steps(session: AsyncSession, run_id: UUID) -> Sequence[RunStep]:
    """Give what is kept of a run, attempt after attempt."""
    mine = select(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.fence, RunStep.number)
    return (await session.scalars(mine)).all()


async def slowest_steps(session: AsyncSession, name: str, count: int) -> Sequence[RunStep]:
    """Give the slowest time of each run that a step, tool or model of this name took, of so many runs, the slowest first."""
    ended = RunStep.name == name, RunStep.seconds.is_not(None)
    of_each = select(RunStep).ext(distinct_on(RunStep.run_id)).where(*ended)
    of_each = of_each.order_by(RunStep.run_id, RunStep.seconds.desc())
    slowest = aliased(RunStep, of_each.subquery())
    return (await session.scalars(select(slowest).order_by(slowest.seconds.desc()).limit(count))).all()
