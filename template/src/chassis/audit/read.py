"""Reading the log. Whoever reads it is in it: the first thing that happens is an event that says so."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.audit.ocsf import event_record
from chassis.audit.record import operator, record
from chassis.audit.seal import EVENT_COLUMNS
from chassis.audit.tables import AuditEvent, seals
from chassis.db.engine import make_sessions
from chassis.ports.audit_sink import AuditRecord
from chassis.settings import ServiceSettings

BATCH = 1000


async def export(engine: AsyncEngine, after: int, service: ServiceSettings) -> AsyncIterator[AuditRecord]:
    """Give the sealed events after a seal, oldest first, in the form in which they are shipped."""
    await _note(engine, "audit.exported", service, after=after)
    statement = (
        select(*EVENT_COLUMNS, seals.c.sequence, seals.c.digest)
        .join(seals, seals.c.event_id == AuditEvent.event_id)
        .where(seals.c.sequence > after)
        .order_by(seals.c.sequence)
        .execution_options(yield_per=BATCH)
    )
    async with engine.connect() as connection, connection.stream(statement) as result:
        async for row in result.mappings():
            yield event_record(dict(row), row["sequence"], row["digest"])


async def tail(engine: AsyncEngine, count: int, service: ServiceSettings) -> list[str]:
    """Give the newest events, oldest first, a line each."""
    await _note(engine, "audit.read", service, count=count)
    statement = (
        select(*EVENT_COLUMNS, seals.c.sequence)
        .outerjoin(seals, seals.c.event_id == AuditEvent.event_id)
        .order_by(AuditEvent.event_id.desc())
        .limit(count)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(statement)).mappings().all()
    return [
        f"{row['created_at']:%Y-%m-%d %H:%M:%S}  {row['sequence'] or 'unsealed':>8}  {row['action']:<18} "
        f"{row['resource']}  {row['tenant_id']}/{row['owner_id']}" + ("" if row["outcome"] == "success" else "  FAILED")
        for row in reversed(rows)
    ]


async def _note(engine: AsyncEngine, action: str, service: ServiceSettings, **details: Any) -> None:
    async with make_sessions(engine, service.name, service.version).begin() as session:
        record(session, operator(), action, f"log/{service.name}", **details)
