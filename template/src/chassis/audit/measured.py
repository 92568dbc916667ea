"""How far the audit log is behind, as figures."""

from sqlalchemy import func, select

from chassis.audit.spool import waiting
from chassis.audit.tables import AuditEvent, heads, unsealed
from chassis.db.engine import Sessions
from chassis.telemetry.metrics import AUDIT_HEAD_AGE, AUDIT_LIMIT, AUDIT_UNSEALED_AGE, AUDIT_WAITING


async def measure_log(sessions: Sessions, sink: str, limit: int) -> None:
    """Count what waits for the sink, and measure what waits for the sealer."""
    oldest = select(func.min(unsealed.c.event_id)).scalar_subquery()
    created = select(AuditEvent.created_at).where(AuditEvent.event_id == oldest).scalar_subquery()
    signed = select(func.max(heads.c.signed_at)).scalar_subquery()
    now = func.clock_timestamp()
    ages = select(func.extract("epoch", now - created), func.extract("epoch", now - signed))
    async with sessions.begin() as session:
        unsealed_age, head_age = (await session.execute(ages)).one()
        AUDIT_WAITING.set(await waiting(session, sink, limit))
    AUDIT_LIMIT.set(limit)
    AUDIT_UNSEALED_AGE.set(float(unsealed_age or 0))
    if head_age is not None:
        AUDIT_HEAD_AGE.set(float(head_age))
