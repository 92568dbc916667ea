"""Writing audit events."""

import getpass
from typing import Any, Literal, cast

from sqlalchemy import Table, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit.tables import AuditEvent
from chassis.ports.identity import Principal

Outcome = Literal["success", "failure"]

COLUMNS = ("tenant_id", "owner_id", "action", "resource", "outcome", "details", "context")
RECORD = insert(cast("Table", AuditEvent.__table__)).values({name: bindparam(f"event_{name}") for name in COLUMNS})
"""Adds an event; for statements that write what it tells of, too."""


def record(
    session: AsyncSession,
    principal: Principal,
    action: str,
    resource: str,
    *,
    outcome: Outcome = "success",
    **details: Any,
) -> None:
    """Add the event to the caller's transaction: it commits with the change, or neither does.

    `action` is `<noun>.<verb>` such as `run.accepted`; `resource` is `<kind>/<id>`. Put no personal data and no secret in
    `details`: an event is never changed again, and leaves the service.
    """
    session.add(AuditEvent(**_event(session, principal, action, resource, outcome, details)))


def recorded(session: AsyncSession, principal: Principal, action: str, resource: str, **details: Any) -> dict[str, Any]:
    """Give the values of `RECORD` for something that succeeded. The session flushes what was recorded before: events have an order."""
    event = _event(session, principal, action, resource, "success", details)
    return {f"event_{name}": value for name, value in event.items()}


def _event(
    session: AsyncSession, principal: Principal, action: str, resource: str, outcome: Outcome, details: dict[str, Any]
) -> dict[str, Any]:
    return {
        "tenant_id": principal.tenant_id,
        "owner_id": principal.subject,
        "action": action,
        "resource": resource,
        "outcome": outcome,
        "details": details,
        "context": {
            **{name: value for name, value in session.info.items() if not name.startswith("_")},
            "roles": list(principal.roles),
        },
    }


def operator() -> Principal:
    """Give who runs a command or a process: the account of this machine, since no other identity is there."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Principal("system", name, ("operator",))
