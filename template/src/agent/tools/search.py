"""Searching tickets."""

from typing import Annotated, Any

from langchain_core.tools import tool
from pydantic import Field

from agent import tickets
from agent.models import Ticket
from agent.tools.arguments import (
    AssigneeArgument,
    BreachedArgument,
    CategoryArgument,
    OlderThanArgument,
    PriorityArgument,
    StatusArgument,
    UnassignedArgument,
)
from chassis.api.graph import Runtime

MOST = 20


@tool
async def search_tickets(  # noqa: PLR0913, PLR0917 - one argument a filter is what a model fills in best
    runtime: Runtime,
    status: StatusArgument = None,
    priority: PriorityArgument = None,
    category: CategoryArgument = None,
    assignee: AssigneeArgument = None,
    unassigned: UnassignedArgument = None,
    breached: BreachedArgument = None,
    older_than_days: OlderThanArgument = None,
    text: Annotated[
        str | None, Field(description="Words in the subject. Follows: about, mentioning, containing, regarding, named")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=MOST, description="How many at the most. Unit: tickets, results")] = 10,
) -> dict[str, Any]:
    """List, show, find or search tickets: which tickets are there."""
    narrowed = tickets.TicketFilter(
        status=status,
        priority=priority,
        category=category,
        assignee=assignee,
        unassigned=unassigned,
        breached=breached,
        older_than_days=older_than_days,
        text=text,
    )
    statement = tickets.visible(runtime.context.principal, *narrowed.conditions()).order_by(Ticket.opened_at)
    async with runtime.context.session() as session:
        found = list(await session.scalars(statement.limit(limit + 1)))
    shown = found[:limit]
    rows = [{"reference": t.reference, "subject": t.subject, "status": t.status, "priority": t.priority} for t in shown]
    lines = [f"{t.reference} {t.subject} ({t.status}, {t.priority})" for t in shown]
    more = " There are more." if len(found) > limit else ""
    summary = f"Oldest first: {'; '.join(lines)}.{more}" if lines else "No tickets match."
    return {"tickets": rows, "more": len(found) > limit, "summary": summary}
