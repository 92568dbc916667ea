"""The service desk's endpoints: list, read, open, change, escalate."""

import datetime as dt
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import tuple_

from agent import tickets
from agent.models import Category, Priority, Status, Ticket
from chassis.api import (
    Boundary,
    Caller,
    DataClass,
    Idempotency,
    IfMatch,
    Page,
    Personal,
    Session,
    can,
    decode_cursor,
    encode_cursor,
    enqueue,
    etag_of,
    if_match,
    not_modified,
)

router = APIRouter(prefix="/tickets", tags=["tickets"])

Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f]*\z")
]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"\A[^\x00]*\z")]


class TicketOut(Boundary):
    """A ticket."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(from_attributes=True)

    reference: str = Field(description="how people name the ticket", examples=["TCK-1001"])
    subject: str = Field(examples=["VPN drops every ten minutes"])
    description: Personal[str]
    status: Status
    priority: Priority
    category: Category
    requester: Personal[str] = Field(examples=["ada"])
    assignee: Personal[str | None]
    opened_at: dt.datetime
    due_at: dt.datetime
    resolved_at: dt.datetime | None
    version: int = Field(description="counts the changes; the ETag is made from it")


class TicketIn(Boundary):
    """A ticket to open."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"subject": "Screen flickers", "category": "hardware", "requester": "ada"}]},
    )

    subject: Line
    description: Personal[Text] = ""
    priority: Priority = "normal"
    category: Category
    requester: Personal[Line]
    assignee: Personal[Line | None] = None


class TicketChange(Boundary):
    """What to change; absent fields stay as they are."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "resolved"}]})

    # The defaults are never used: what is absent is not applied. They keep null out where a ticket cannot have it.
    subject: Line = "unused"
    description: Personal[Text] = ""
    status: Status = "open"
    priority: Priority = "normal"
    category: Category = "hardware"
    assignee: Personal[Line | None] = None


class TicketQuery(Boundary):
    """How to narrow and page the list."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    priority: Priority | None = None
    category: Category | None = None
    assignee: Personal[Line | None] = None
    breached: bool | None = Field(None, description="past the deadline")
    text: Line | None = Field(None, description="part of the subject or the description")
    limit: int = Field(20, ge=1, le=100)
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class Escalation(Boundary):
    """Which overdue tickets to escalate."""

    data_class: ClassVar[DataClass] = "internal"

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"category": "network"}]})

    category: Category | None = Field(None, description="only these; all when absent")


class Accepted(Boundary):
    """Something that is done in the background."""

    data_class: ClassVar[DataClass] = "internal"

    job_id: UUID = Field(description="GET /jobs/{job_id} says how far it has come")


def ticket_etag(ticket: Ticket) -> str:
    """Identify this version of the ticket."""
    return etag_of(ticket.ticket_id, ticket.version)


@router.get("", dependencies=[can("tickets:read")])
async def list_tickets(query: Annotated[TicketQuery, Query()], caller: Caller, session: Session) -> Page[TicketOut]:
    """List tickets, newest first."""
    narrowed = tickets.TicketFilter(**query.model_dump(exclude={"limit", "cursor"}))
    statement = tickets.visible(caller, *narrowed.conditions())
    if query.cursor:
        opened_at, number = decode_cursor(query.cursor, dt.datetime, int)
        statement = statement.where(tuple_(Ticket.opened_at, Ticket.number) < (opened_at, number))
    statement = statement.order_by(Ticket.opened_at.desc(), Ticket.number.desc()).limit(query.limit + 1)
    rows = list(await session.scalars(statement))
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    return Page[TicketOut](
        items=[TicketOut.model_validate(ticket) for ticket in shown],
        next_cursor=encode_cursor(shown[-1].opened_at, shown[-1].number) if more else None,
    )


@router.post("", status_code=201, dependencies=[can("tickets:write")])
async def open_ticket(body: TicketIn, caller: Caller, session: Session, response: Response) -> TicketOut:
    """Open a ticket."""
    ticket = await tickets.create(session, caller, body.model_dump())
    response.headers["Location"] = f"/tickets/{ticket.reference}"
    response.headers["ETag"] = ticket_etag(ticket)
    return TicketOut.model_validate(ticket)


@router.post("/escalations", status_code=202, dependencies=[can("tickets:write")])
async def escalate(
    body: Escalation, caller: Caller, session: Session, idempotency: Idempotency, response: Response
) -> Accepted:
    """Have overdue tickets escalated in the background; Location says where to see how far that has come."""
    job = await enqueue(session, caller, "escalate_overdue", body.model_dump(), idempotency=idempotency)
    response.headers.update({"Location": f"/jobs/{job.job_id}", **idempotency.headers})
    return Accepted(job_id=job.job_id)


@router.get(
    "/{reference}",
    dependencies=[can("tickets:read")],
    response_model=TicketOut,
    responses={304: {"description": "You have this version already."}},
)
async def read_ticket(
    reference: str, caller: Caller, session: Session, request: Request, response: Response
) -> TicketOut | Response:
    """Read a ticket; with If-None-Match, 304 when it has not changed."""
    ticket = await tickets.find(session, caller, reference)
    if not_modified(request, response, ticket_etag(ticket)):
        return Response(status_code=304, headers=dict(response.headers))
    return TicketOut.model_validate(ticket)


@router.patch("/{reference}", dependencies=[can("tickets:write")])
async def change_ticket(
    reference: str, body: TicketChange, caller: Caller, session: Session, response: Response, version: IfMatch = None
) -> TicketOut:
    """Change a ticket; If-Match with the ETag you read is required."""
    ticket = await tickets.find(session, caller, reference, lock=True)
    if_match(version, ticket_etag(ticket))
    changed = await tickets.change(session, caller, ticket, body.model_dump(exclude_unset=True))
    response.headers["ETag"] = ticket_etag(changed)
    return TicketOut.model_validate(changed)
