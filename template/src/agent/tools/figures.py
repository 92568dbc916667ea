"""Computing figures over tickets, in the database."""

from typing import Annotated, Any, Literal

from langchain_core.tools import tool
from pydantic import Field
from sqlalchemy import ColumnElement, func

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

Measure = Literal["count", "average_age_days", "oldest_age_days", "average_resolution_days"]


@tool
async def ticket_figures(  # noqa: PLR0913, PLR0917 - one argument a filter is what a model fills in best
    runtime: Runtime,
    measure: Annotated[
        Measure,
        Field(
            description="What to compute. count: how many, number of, total, amount, how much; "
            "average_age_days: average age, mean age, how old on average, old are; "
            "oldest_age_days: oldest, longest, maximum age; "
            "average_resolution_days: average time to resolve, take to resolve, resolution time, time to close"
        ),
    ] = "count",
    group_by: Annotated[
        Literal["status", "priority", "category", "assignee"] | None,
        Field(
            description="One figure for each value. status: per status, by status, each status; priority: per priority, "
            "by priority, each priority; category: per category, by category, each category; "
            "assignee: per assignee, by assignee, each assignee, per person, each person, who has"
        ),
    ] = None,
    status: StatusArgument = None,
    priority: PriorityArgument = None,
    category: CategoryArgument = None,
    assignee: AssigneeArgument = None,
    unassigned: UnassignedArgument = None,
    breached: BreachedArgument = None,
    older_than_days: OlderThanArgument = None,
) -> dict[str, Any]:
    """Compute figures: count tickets, how many, average age, oldest age, resolution time, per group if wanted."""
    narrowed = tickets.TicketFilter(
        status=status,
        priority=priority,
        category=category,
        assignee=assignee,
        unassigned=unassigned,
        breached=breached,
        older_than_days=older_than_days,
    )
    base = tickets.visible(runtime.context.principal, *narrowed.conditions())
    value = _expression(measure)
    async with runtime.context.session() as session:
        if group_by is None:
            figure = await session.scalar(base.with_only_columns(value))
            figures: Any = _plain(figure)
        else:
            group = func.coalesce(getattr(Ticket, group_by), "nobody")
            rows = await session.execute(base.with_only_columns(group, value).group_by(group).order_by(group))
            figures = {str(name): _plain(figure) for name, figure in rows}
    return {"measure": measure, "filters": narrowed.describe(), "value": figures, "summary": _say(measure, figures)}


def _expression(measure: Measure) -> ColumnElement[Any]:
    age = func.extract("epoch", func.coalesce(Ticket.resolved_at, func.now()) - Ticket.opened_at) / 86_400
    match measure:
        case "count":
            return func.count()
        case "average_age_days":
            return func.round(func.avg(age), 1)
        case "average_resolution_days":
            return func.round(func.avg(age).filter(Ticket.status == "resolved"), 1)
        case "oldest_age_days":
            return func.round(func.max(age), 1)


def _plain(figure: Any) -> Any:
    if figure is None:
        return None
    return int(figure) if figure == int(figure) else float(figure)


def _say(measure: Measure, figures: Any) -> str:
    what = measure.replace("_", " ")
    if isinstance(figures, dict):
        listed = ", ".join(f"{name}: {figure}" for name, figure in figures.items()) or "no tickets match"
        return f"{what[:1].upper() + what[1:]} by group: {listed}."
    if measure == "count":
        return f"{figures} {'ticket matches' if figures == 1 else 'tickets match'}."
    return f"The {what} is {figures}." if figures is not None else "No tickets match, so there is no figure."
