"""Inserting a job with all that belongs to it, its audit event and its outbox entry, in one statement."""

from functools import cache
from typing import Any

from sqlalchemy import CTE, Column, Executable, bindparam, inspect
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from chassis.audit.record import RECORD, recorded
from chassis.jobs.changes import note_accepted
from chassis.jobs.finish import action_of, resource_of
from chassis.jobs.kinds import Along
from chassis.jobs.outbox import ANNOUNCE, announced
from chassis.jobs.tables import Job, jobs
from chassis.ports.identity import Principal


async def insert(
    session: AsyncSession,
    principal: Principal,
    job: Job,
    *,
    along: Along | None = None,
    **details: Any,
) -> None:
    """Insert any kind of job, which the session then has; once the transaction has committed, it can be announced.

    along: what else is written with it.
    details: of the audit event.
    """
    given = {key: value for key, value in vars(job).items() if key in _columns(type(job))}
    also, values = along or (None, {})
    statement, generated = _inserting(type(job), tuple(sorted(given)), also)
    event = recorded(session, principal, action_of(job, "accepted"), resource_of(job), **details)
    columns = {f"job_{key}": value for key, value in given.items()}
    rows = await session.execute(statement, {**columns, **event, **announced(session, job), **values})
    for key, value in zip(generated, rows.one(), strict=True):
        set_committed_value(job, key, value)
    make_transient_to_detached(job)  # and so as after a flush, which would have taken a statement for each row
    session.add(job)
    note_accepted(session, job)


@cache
def _columns(kind: type[Job]) -> dict[str, Column[Any]]:
    found = {attribute.key: attribute.columns[0] for attribute in inspect(kind).column_attrs}
    return {key: column for key, column in found.items() if isinstance(column, Column)}


@cache
def _inserting(kind: type[Job], given: tuple[str, ...], along: CTE | None) -> tuple[Executable, tuple[str, ...]]:
    """Build the statement, once, and name what it returns: all that was not given."""
    columns = _columns(kind)
    generated = tuple(key for key in columns if key not in given)
    statement = (
        insert_into(jobs)
        .values({columns[key]: bindparam(f"job_{key}", type_=columns[key].type) for key in given})
        .returning(*(columns[key] for key in generated))
        .add_cte(ANNOUNCE.cte("announced"), RECORD.cte("recorded"))
    )
    return statement if along is None else statement.add_cte(along), generated
