"""The background task that escalates overdue tickets: one ticket a step, so that it goes on wherever it was cut off."""

from typing import Any

from agent import tickets
from agent.models import UNRESOLVED, Ticket
from chassis.api import TaskContext

ESCALATED = {"low": "normal", "normal": "high", "high": "urgent"}


async def escalate_overdue(task: TaskContext) -> dict[str, Any]:
    """Raise the priority of each unresolved ticket past its deadline by one level, once; count them.

    The payload's `category` narrows. Progress says how many were escalated, and the last ticket's number: tickets that
    become overdue meanwhile come later in the same order or in the next task, and none comes twice.
    """
    progress = task.progress or {"escalated": 0, "last": 0}
    while (number := await _next_overdue(task, progress["last"])) is not None:
        progress = {"escalated": progress["escalated"] + 1, "last": number}
        async with task.step(progress) as session:
            ticket = await tickets.find(session, task.principal, f"TCK-{number}", lock=True)
            if ticket.status in UNRESOLVED and ticket.priority in ESCALATED:
                await tickets.change(session, task.principal, ticket, {"priority": ESCALATED[ticket.priority]})
    return {"escalated": progress["escalated"]}


async def _next_overdue(task: TaskContext, after: int) -> int | None:
    narrowed = tickets.TicketFilter(status="unresolved", category=task.payload.get("category"), breached=True)
    async with task.session() as session:
        found = tickets.visible(task.principal, *narrowed.conditions(), Ticket.number > after)
        escalable = found.where(Ticket.priority.in_(ESCALATED)).order_by(Ticket.number).limit(1)
        number: int | None = await session.scalar(escalable.with_only_columns(Ticket.number))
    return number
