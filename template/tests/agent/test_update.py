"""The consequential tool: what it changes, once, and for whom."""

from typing import Any

import pytest
from sqlalchemy import select
from tests.agent.conftest import said
from tests.support.service import RunningService

from agent import tickets
from agent.models import Ticket
from chassis.api import Principal
from chassis.audit.tables import AuditEvent
from chassis.runs.tables import ToolReceipt

pytestmark = pytest.mark.slow


async def a_ticket(desk: RunningService, tenant: str) -> str:
    async with desk.container.sessions.begin() as session:
        values = {"subject": "Lamp broken", "category": "hardware", "requester": "ada"}
        return (await tickets.create(session, Principal(tenant, "ada"), values)).reference


async def ask(desk: RunningService, tenant: str, question: str) -> tuple[str, str]:
    client = desk.sdk(tenant)
    thread = await client.threads.create()
    values: Any = await client.runs.wait(thread["thread_id"], "agent", input=said(question))
    return values["messages"][-1]["content"], thread["thread_id"]


async def read(desk: RunningService, reference: str) -> Ticket:
    async with desk.container.sessions() as session:
        found = await session.scalar(select(Ticket).where(Ticket.number == int(reference.removeprefix("TCK-"))))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("Close {}", {"status": "resolved"}),
        ("Set {} to urgent", {"priority": "urgent"}),
        ("Assign {} and give it to Jonas", {"assignee": "Jonas"}),
        ("Mark {} as waiting with low priority", {"status": "waiting", "priority": "low"}),
    ],
)
async def test_it_changes_what_was_asked_for(desk: RunningService, request_: str, expected: dict[str, str]) -> None:
    reference = await a_ticket(desk, "update")
    answer, thread_id = await ask(desk, "update", request_.format(reference))
    ticket = await read(desk, reference)
    assert {name: getattr(ticket, name) for name in expected} == expected, answer
    assert (ticket.resolved_at is not None) == (ticket.status == "resolved")
    assert ticket.version == 2
    async with desk.container.sessions() as session:
        receipts = list(await session.scalars(select(ToolReceipt).where(ToolReceipt.thread_id == thread_id)))
        audited = await session.scalar(
            select(AuditEvent).where(
                AuditEvent.action == "ticket.updated", AuditEvent.resource == f"ticket/{reference}"
            )
        )
    assert [receipt.result["changes"] for receipt in receipts] == [expected]
    assert audited is not None
    assert audited.details == {"fields": sorted(expected)}


async def test_another_tenants_ticket_does_not_exist(desk: RunningService) -> None:
    reference = await a_ticket(desk, "update")
    answer, _ = await ask(desk, "elsewhere", f"Close {reference}")
    assert answer == f"There is no ticket {reference}."
    assert (await read(desk, reference)).status == "open"


async def test_reading_one(desk: RunningService) -> None:
    reference = await a_ticket(desk, "update")
    answer, _ = await ask(desk, "update", f"What is the status of {reference}?")
    assert answer.startswith(f"{reference} 'Lamp broken' is open, priority normal, category hardware")
