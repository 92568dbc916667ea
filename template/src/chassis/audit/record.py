"""Writing audit events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.tables import AuditEvent
from chassis.ports.identity import Principal


def record(session: AsyncSession, principal: Principal, action: str, resource: str, **details: Any) -> None:
    """Add the event to the caller's transaction: it commits with the change, or neither does.

    `action` is `<noun>.<verb>` such as `run.accepted`; `resource` is `<kind>/<id>`. Put no personal data in `details`.
    """
    session.add(
        AuditEvent(
            tenant_id=principal.tenant_id,
            owner_id=principal.subject,
            action=action,
            resource=resource,
            details=details,
        )
    )
