"""Overdue tickets are escalated in the background."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select
from tests.support.service import RunningService

from agent import tickets
from agent.models import Ticket
from chassis.api import Principal

pytestmark = pytest.mark.slow

LATE, IN_TIME = -1, 1
ACTIVE = {"pending", "running"}


async def a_ticket(desk: RunningService, tenant: str, days_left: int, **values: str) -> None:
    async with desk.container.sessions.begin() as session:
        given = {"subject": "Lamp broken", "category": "hardware", "requester": "ada", **values}
        ticket = await tickets.create(session, Principal(tenant, "ada"), given)
        ticket.due_at = func.now() + func.make_interval(0, 0, 0, days_left)


async def escalated(http: httpx.AsyncClient, body: dict[str, str]) -> dict[str, Any]:
    answer = await http.post("/tickets/escalations", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/jobs/{answer.json()['job_id']}"
    async with asyncio.timeout(60):
        while (job := (await http.get(answer.headers["location"])).json())["status"] in ACTIVE:  # noqa: ASYNC110 - a worker's
            await asyncio.sleep(0.02)
    found: dict[str, Any] = job
    return found


async def priorities(desk: RunningService, tenant: str) -> list[str]:
    async with desk.container.sessions() as session:
        found = select(Ticket.priority).where(Ticket.tenant_id == tenant).order_by(Ticket.number)
        return list(await session.scalars(found))


async def test_overdue_tickets_are_raised_by_one_level_and_no_others(desk: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    for priority in ("low", "normal", "high", "urgent"):
        await a_ticket(desk, tenant, LATE, priority=priority)
    await a_ticket(desk, tenant, IN_TIME)
    await a_ticket(desk, tenant, LATE, status="resolved")
    await a_ticket(desk, tenant, LATE, category="network")
    await a_ticket(desk, f"{tenant}-other", LATE)
    async with desk.http(tenant, role="user") as http:
        job = await escalated(http, {"category": "hardware"})
        assert (job["status"], job["kind"], job["result"]) == ("success", "escalate_overdue", {"escalated": 3})
        assert job["progress"]["escalated"] == 3
        assert await priorities(desk, tenant) == ["normal", "high", "urgent", "urgent", "normal", "normal", "normal"]
        assert (await escalated(http, {}))["result"] == {"escalated": 3}
    assert await priorities(desk, tenant) == ["high", "urgent", "urgent", "urgent", "normal", "normal", "high"]
    assert await priorities(desk, f"{tenant}-other") == ["normal"]


async def test_asking_twice_with_one_key_escalates_once(desk: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    await a_ticket(desk, tenant, LATE, priority="low")
    headers = {"Idempotency-Key": f'"{uuid4()}"'}
    async with desk.http(tenant) as http:
        answers = [await http.post("/tickets/escalations", json={}, headers=headers) for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["idempotency-replayed"] == "true"
        assert len((await http.get("/jobs")).json()["items"]) == 1


async def test_a_viewer_escalates_nothing(desk: RunningService) -> None:
    async with desk.http(role="viewer") as http:
        assert (await http.post("/tickets/escalations", json={})).status_code == 403
