"""A run that ended in the middle of a tool call: its thread goes on, with every model."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError
from sqlalchemy import select, text
from tests.agent.conftest import said
from tests.agent.other_agents import APPROVED, MODEL_URL, REMOTE
from tests.support.isolation import isolated_settings
from tests.support.openai_endpoint import calling, openai_endpoint, saying
from tests.support.service import RunningService, running_service

from agent import tickets
from agent.models import Ticket
from chassis.api import Principal
from chassis.audit.tables import AuditEvent
from chassis.jobs.cancel import cancel
from chassis.runs.tables import Run

pytestmark = pytest.mark.slow

ADA = Principal("cut-off", "ada", ("admin",))
CUT_OFF = "The run was cut off in the middle of this call. It did nothing of consequence."


async def a_ticket(service: RunningService) -> str:
    async with service.container.sessions.begin() as session:
        values = {"subject": "Lamp broken", "category": "hardware", "requester": "ada"}
        return (await tickets.create(session, ADA, values)).reference


async def status_of(service: RunningService, reference: str) -> str:
    async with service.container.sessions() as session:
        return (await tickets.find(session, ADA, reference)).status


@asynccontextmanager
async def locked(service: RunningService, reference: str) -> AsyncIterator[None]:
    """Keep everybody from changing the ticket meanwhile."""
    async with service.container.sessions.begin() as session:
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # however slow the machine
        number = int(reference.removeprefix("TCK-"))
        await session.execute(select(Ticket).where(Ticket.number == number).with_for_update())
        yield


async def cut_off(service: RunningService, client: LangGraphClient, reference: str) -> str:
    """Cancel a run while it closes the ticket; give its thread."""
    thread_id = (await client.threads.create())["thread_id"]
    sessions = service.container.sessions
    async with locked(service, reference), asyncio.timeout(60):
        run = await client.runs.create(thread_id, "agent", input=said(f"Close {reference}"))
        begun = select(AuditEvent).where(
            AuditEvent.action == "tool.intended", AuditEvent.details["run_id"].astext == run["run_id"]
        )
        while True:
            async with sessions() as session:
                if await session.scalar(begun) is not None:
                    break
            await asyncio.sleep(0.05)
        async with sessions.begin() as session:
            job = await session.get_one(Run, run["run_id"], with_for_update=True)
            await cancel(session, service.container.kinds, ADA, job)
        await client.runs.join(thread_id, run["run_id"])
    return str(thread_id)


@pytest.fixture
def model() -> Iterator[Any]:
    with openai_endpoint() as (handler, url), pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODEL_URL, url)
        yield handler


async def test_the_next_question_is_answered(desk: RunningService) -> None:
    client, reference = desk.sdk(ADA.tenant_id), await a_ticket(desk)
    thread_id = await cut_off(desk, client, reference)
    values: Any = await client.runs.wait(thread_id, "agent", input=said(f"What is the status of {reference}?"))
    assert [message["type"] for message in values["messages"]] == ["human", "ai", "tool", "human", "ai", "tool", "ai"]
    assert values["messages"][2]["content"] == CUT_OFF
    assert "is open" in values["messages"][-1]["content"]
    assert await status_of(desk, reference) == "open"


async def test_a_model_that_refuses_calls_without_answers_gets_them(environment: Mapping[str, str], model: Any) -> None:
    settings = await isolated_settings(environment, "cutoff")
    async with running_service(settings, REMOTE) as service:
        client, reference = service.sdk(ADA.tenant_id), await a_ticket(service)
        changing = calling("update_ticket", {"reference": reference, "status": "resolved"})
        model.answers[:] = [changing, saying("All is well.")]
        thread_id = await cut_off(service, client, reference)
        values: Any = await client.runs.wait(thread_id, "agent", input=said("Well?"))
        assert values["messages"][-1]["content"] == "All is well."
        roles = [message["role"] for message in model.requests[-1][2]["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "user"]


@pytest.fixture(scope="module")
async def approved(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    async with running_service(await isolated_settings(environment, "approval"), APPROVED) as service:
        yield service


async def test_a_pending_approval_is_no_cut_off_call(approved: RunningService) -> None:
    client, reference = approved.sdk(ADA.tenant_id), await a_ticket(approved)
    thread_id = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread_id, "agent", input=said(f"Close {reference}"))
    with pytest.raises(ConflictError):
        await client.runs.create(thread_id, "agent", input=said("Any news?"))
    resume: Any = {"resume": {"decisions": [{"type": "approve"}]}}
    values: Any = await client.runs.wait(thread_id, "agent", command=resume)
    assert await status_of(approved, reference) == "resolved"
    assert [message["type"] for message in values["messages"]] == ["human", "ai", "tool", "ai"]
    assert "cut off" not in str(values["messages"])


async def test_an_approval_that_was_dropped_is_a_cut_off_call(approved: RunningService) -> None:
    client, reference = approved.sdk(ADA.tenant_id), await a_ticket(approved)
    thread_id = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread_id, "agent", input=said(f"Close {reference}"))
    question = said(f"What is the status of {reference}?")
    values: Any = await client.runs.wait(thread_id, "agent", input=question, multitask_strategy="interrupt")
    assert values["messages"][2]["content"] == CUT_OFF
    assert "is open" in values["messages"][-1]["content"]
