"""Example tickets, so that there is something to ask about. Added once, and never in production."""

import datetime as dt

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from agent.models import Ticket
from agent.seed_data import EXAMPLES
from chassis.api import Principal


async def seed(session: AsyncSession, principal: Principal) -> None:
    """Add the examples to the principal's tenant unless it has tickets. Ages are relative to now."""
    if await session.scalar(select(exists().where(Ticket.tenant_id == principal.tenant_id))):
        return
    now = await session.scalar(select(func.now())) or dt.datetime.now(dt.UTC)
    for subject, category, priority, status, requester, assignee, age_days, due_after, resolved_after in EXAMPLES:
        opened_at = now - dt.timedelta(days=age_days)
        session.add(
            Ticket(
                subject=subject,
                category=category,
                priority=priority,
                status=status,
                requester=requester,
                assignee=assignee,
                opened_at=opened_at,
                due_at=opened_at + dt.timedelta(days=due_after),
                resolved_at=None if resolved_after is None else opened_at + dt.timedelta(days=resolved_after),
                tenant_id=principal.tenant_id,
                owner_id=principal.subject,
            )
        )
        await session.flush()  # one by one, so that the numbers follow this order
