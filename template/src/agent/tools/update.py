"""Changing a ticket: the one consequential tool of this example."""

from typing import Annotated, Any, Literal

from langchain_core.tools import tool
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from agent import tickets
from agent.tools.arguments import AssigneeArgument, ReferenceArgument
from chassis.api import InvalidRequestError
from chassis.api.graph import Runtime

NewStatus = Annotated[
    Literal["open", "in_progress", "waiting", "resolved"] | None,
    Field(
        description="The new status. open: reopen, open; in_progress: start, in progress, begin work; "
        "waiting: on hold, hold, waiting; resolved: resolve, resolved, close, closed, solved, fixed, done"
    ),
]
NewPriority = Annotated[
    Literal["low", "normal", "high", "urgent"] | None,
    Field(description="The new priority. low: minor; normal: medium; high: important; urgent: critical, emergency"),
]


@tool
async def update_ticket(
    reference: ReferenceArgument,
    runtime: Runtime,
    status: NewStatus = None,
    priority: NewPriority = None,
    assignee: AssigneeArgument = None,
) -> dict[str, Any]:
    """Update, change, set, mark, close, resolve, reopen, assign or escalate one ticket. This has consequences."""
    wanted = {"status": status, "priority": priority, "assignee": assignee}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        message = "Nothing to change was named; give a status, a priority or an assignee."
        raise InvalidRequestError(message)

    async def effect(session: AsyncSession) -> dict[str, Any]:
        principal = runtime.context.principal
        ticket = await tickets.find(session, principal, reference, lock=True)
        before = {name: getattr(ticket, name) for name in changes}
        await tickets.change(session, principal, ticket, changes)
        told = ", ".join(f"{name} from {before[name] or 'nobody'} to {value}" for name, value in changes.items())
        return {"reference": ticket.reference, "changes": changes, "summary": f"{ticket.reference}: changed {told}."}

    # The effect, its receipt and the audit event are one transaction: a crash repeats nothing.
    return await runtime.context.once("update_ticket", runtime.tool_call_id or "", effect)
