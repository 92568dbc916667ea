"""What can be done with tickets; routes and tools both call this, so both obey the same rules."""

import datetime as dt
import re
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from agent.models import UNRESOLVED, Ticket
from chassis.api import InvalidRequestError, NotFoundError, Principal, record

REFERENCE = re.compile(r"\ATCK-(\d{1,9})\Z", re.IGNORECASE)
CHANGEABLE = frozenset({"subject", "description", "status", "priority", "category", "assignee"})


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets are meant; an absent field does not narrow."""

    status: str | None = None
    priority: str | None = None
    category: str | None = None
    assignee: str | None = None
    unassigned: bool | None = None
    breached: bool | None = None
    older_than_days: int | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give the filter as SQL conditions."""
        conditions: list[ColumnElement[bool]] = []
        if self.status == "unresolved":
            conditions.append(Ticket.status.in_(UNRESOLVED))
        elif self.status:
            conditions.append(Ticket.status == self.status)
        if self.priority:
            conditions.append(Ticket.priority == self.priority)
        if self.category:
            conditions.append(Ticket.category == self.category)
        if self.assignee:
            conditions.append(func.lower(Ticket.assignee) == self.assignee.lower())
        if self.unassigned:
            conditions.append(Ticket.assignee.is_(None))
        if self.breached is not None:
            conditions.append(breached() if self.breached else ~breached())
        if self.older_than_days is not None:
            conditions.append(Ticket.opened_at < func.now() - dt.timedelta(days=self.older_than_days))
        if self.text:
            pattern = f"%{_escape_like(self.text)}%"
            conditions.append(or_(Ticket.subject.ilike(pattern), Ticket.description.ilike(pattern)))
        return conditions

    def describe(self) -> dict[str, Any]:
        """Name the fields that narrow."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}


def breached() -> ColumnElement[bool]:
    """Past the deadline: resolved late, or not resolved and already late."""
    return or_(
        and_(Ticket.status == "resolved", Ticket.resolved_at > Ticket.due_at),
        and_(Ticket.status.in_(UNRESOLVED), Ticket.due_at < func.now()),
    )


def visible(principal: Principal, *conditions: ColumnElement[bool]) -> Select[Ticket]:
    """Select the tickets of the principal's tenant."""
    return select(Ticket).where(Ticket.tenant_id == principal.tenant_id, *conditions)


async def find(session: AsyncSession, principal: Principal, reference: str, *, lock: bool = False) -> Ticket:
    """Return the ticket a person names; raise `NotFoundError` when the tenant has none such."""
    match = REFERENCE.match(reference.strip())
    if match is None:
        message = f"'{reference}' is not a ticket reference; they look like TCK-1001."
        raise InvalidRequestError(message)
    statement = visible(principal, Ticket.number == int(match[1]))
    ticket = await session.scalar(statement.with_for_update() if lock else statement)
    if ticket is None:
        message = f"There is no ticket {reference.upper()}."
        raise NotFoundError(message)
    return ticket


async def create(session: AsyncSession, principal: Principal, values: dict[str, Any]) -> Ticket:
    """Open a ticket."""
    ticket = Ticket(**values, tenant_id=principal.tenant_id, owner_id=principal.subject)
    session.add(ticket)
    await session.flush()
    await session.refresh(ticket)
    record(session, principal, "ticket.created", f"ticket/{ticket.reference}")
    return ticket


async def change(session: AsyncSession, principal: Principal, ticket: Ticket, changes: dict[str, Any]) -> Ticket:
    """Apply changes to a ticket that was locked; resolving and reopening keep `resolved_at` right."""
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown:
        message = f"These fields of a ticket cannot be changed: {', '.join(unknown)}."
        raise InvalidRequestError(message)
    for name, value in changes.items():
        setattr(ticket, name, value)
    if "status" in changes:
        now: dt.datetime | None = await session.scalar(select(func.now()))
        ticket.resolved_at = (ticket.resolved_at or now) if ticket.status == "resolved" else None
    ticket.version += 1
    record(session, principal, "ticket.updated", f"ticket/{ticket.reference}", fields=sorted(changes))
    await session.flush()
    return ticket


def _escape_like(fragment: str) -> str:
    return fragment.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
