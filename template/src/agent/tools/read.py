"""Reading one ticket."""

from typing import Any

from langchain_core.tools import tool

from agent import tickets
from agent.tools.arguments import ReferenceArgument
from chassis.api.graph import Runtime


@tool
async def read_ticket(reference: ReferenceArgument, runtime: Runtime) -> dict[str, Any]:
    """Read one ticket: its status, assignee, deadline and all details. What is it, who has it, when is it due."""
    async with runtime.context.session() as session:
        ticket = await tickets.find(session, runtime.context.principal, reference)
    details = {
        "reference": ticket.reference,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status,
        "priority": ticket.priority,
        "category": ticket.category,
        "assignee": ticket.assignee,
        "opened": ticket.opened_at.date().isoformat(),
        "due": ticket.due_at.date().isoformat(),
    }
    summary = (
        f"{ticket.reference} '{ticket.subject}' is {ticket.status}, priority {ticket.priority}, category "
        f"{ticket.category}, assigned to {ticket.assignee or 'nobody'}, due {details['due']}."
    )
    return {**details, "summary": summary}
