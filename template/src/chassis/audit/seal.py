"""Sealing: chaining the events that were committed, and signing how far that came. Only one process does it at a time."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.audit.canonical import COLUMNS, GENESIS, chained, digest_of
from chassis.audit.signing import Head, SigningKey
from chassis.audit.tables import AuditEvent, heads, seals, unsealed
from chassis.telemetry.spans import sealing

EVENT_COLUMNS = tuple(AuditEvent.__table__.c[name] for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last seal: its number and the hash of everything up to it."""

    sequence: int = 0
    chain: bytes = GENESIS


async def chain_end(connection: AsyncConnection) -> ChainEnd:
    """Read the last seal."""
    statement = select(seals.c.sequence, seals.c.chain).order_by(seals.c.sequence.desc()).limit(1)
    row = (await connection.execute(statement)).one_or_none()
    return ChainEnd(row.sequence, row.chain) if row else ChainEnd()


async def seal(connection: AsyncConnection, end: ChainEnd, limit: int) -> ChainEnd:
    """Chain up to `limit` events, in the caller's transaction, and give the new end.

    An event's number is drawn before its transaction commits, so a lower one may appear after a higher one was sealed.
    That is why the order of the chain is the order of sealing: what is not visible yet is sealed when it is.
    """
    events = await _unsealed_events(connection, limit)
    if not events:
        return end
    rows: list[dict[str, Any]] = []
    with sealing(len(events)):
        for event in events:
            digest = digest_of(dict(event))
            end = ChainEnd(end.sequence + 1, chained(end.chain, digest))
            rows.append({"sequence": end.sequence, "event_id": event["event_id"], "digest": digest, "chain": end.chain})
        await connection.execute(insert(seals), rows)
        await connection.execute(delete(unsealed).where(unsealed.c.event_id.in_([row["event_id"] for row in rows])))
    return end


async def _unsealed_events(connection: AsyncConnection, limit: int) -> Sequence[RowMapping]:
    statement = (
        select(*EVENT_COLUMNS)
        .join(unsealed, unsealed.c.event_id == AuditEvent.event_id)
        .order_by(AuditEvent.event_id)
        .limit(limit)
    )
    return (await connection.execute(statement)).mappings().all()


async def last_head(connection: AsyncConnection) -> Head | None:
    """Read the newest head."""
    row = (await connection.execute(select(heads).order_by(heads.c.number.desc()).limit(1))).one_or_none()
    return Head(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's documented name


async def sign(connection: AsyncConnection, key: SigningKey, end: ChainEnd, now: dt.datetime) -> Head:
    """Sign the end of the chain, in the caller's transaction."""
    last = await last_head(connection)
    head = key.sign(last.number + 1 if last else 1, end.sequence, end.chain, now)
    row = {name: getattr(head, name) for name in heads.c.keys()}  # noqa: SIM118 - a collection of columns, no dict
    await connection.execute(insert(heads).values(row))
    return head
