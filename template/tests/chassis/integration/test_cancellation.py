"""Runs are cancelled through the stock SDK: at once while they wait, promptly while they run, once and only by their owner."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError
from sqlalchemy import select, text
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, running_service, serving
from tests.support.slow_model_graph import silent_model

from chassis.audit.tables import AuditEvent

pytestmark = pytest.mark.slow

PROMPT_SECONDS = 15
"""Far below what would take 60 s; a worker looks every second."""
NEVER_ENDING = {"rounds": 1, "delay": 60}


@pytest.fixture(scope="module")
async def idle(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    """An API without a worker: what is accepted stays pending."""
    async with serving(await isolated_settings(environment, "cancelidle"), SAMPLE) as service:
        yield service


async def started(client: LangGraphClient, **options: Any) -> tuple[str, str]:
    """Give the thread and the id of a run whose first step is under way."""
    thread_id = (await client.threads.create())["thread_id"]
    run = await client.runs.create(
        thread_id, "agent", input=options.pop("input", NEVER_ENDING), stream_mode="custom", **options
    )
    await until_status(client, thread_id, run["run_id"], "running")
    return thread_id, run["run_id"]


async def until_status(client: LangGraphClient, thread_id: str, run_id: str, *statuses: str) -> str:
    async with asyncio.timeout(30):
        while (status := (await client.runs.get(thread_id, run_id))["status"]) not in statuses:  # noqa: ASYNC110 - a worker writes it
            await asyncio.sleep(0.02)
    return status


async def cancelled(client: LangGraphClient, thread_id: str, run_id: str) -> None:
    """Cancel, and wait for the end within a bound."""
    await asyncio.wait_for(client.runs.cancel(thread_id, run_id, wait=True), 30)


async def audited(service: RunningService, run_id: str) -> list[tuple[str, str]]:
    async with service.container.sessions() as session:
        rows = await session.scalars(
            select(AuditEvent).where(AuditEvent.resource == f"run/{run_id}").order_by(AuditEvent.event_id)
        )
        return [(event.action, event.owner_id) for event in rows]


async def test_a_pending_run_is_cancelled_at_once(idle: RunningService) -> None:
    client = idle.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    run = await client.runs.create(thread_id, "agent", input={})
    await cancelled(client, thread_id, run["run_id"])
    assert (await client.runs.get(thread_id, run["run_id"]))["status"] == "interrupted"
    assert (await client.threads.get(thread_id))["status"] == "idle"
    parts = [part.event async for part in client.runs.join_stream(thread_id, run["run_id"])]
    assert parts == ["error", "end"]
    assert await audited(idle, run["run_id"]) == [
        ("run.accepted", "ada"),
        ("run.cancelled", "ada"),
        ("run.finished", "ada"),
    ]


async def test_a_run_in_a_slow_step_stops_promptly_and_its_thread_goes_on(service: RunningService) -> None:
    client = service.sdk()
    thread_id, run_id = await started(client)
    began = time.monotonic()
    await cancelled(client, thread_id, run_id)
    assert time.monotonic() - began < PROMPT_SECONDS
    assert (await client.runs.get(thread_id, run_id))["status"] == "interrupted"
    values = await client.runs.wait(thread_id, "agent", input={"rounds": 1, "delay": 0})
    assert isinstance(values, dict)
    assert values["done"] == 1


async def test_a_run_in_a_slow_model_call_stops_promptly_and_hangs_up(environment: Mapping[str, str]) -> None:
    agent = replace(SAMPLE, graph="tests.support.slow_model_graph:build")
    settings = await isolated_settings(environment, "cancelmodel")
    async with silent_model() as model, running_service(settings, agent) as service:
        client = service.sdk()
        thread_id, run_id = await started(client, input={"url": model.url})
        await asyncio.wait_for(model.asked.wait(), 30)
        began = time.monotonic()
        await cancelled(client, thread_id, run_id)
        assert time.monotonic() - began < PROMPT_SECONDS
        await asyncio.wait_for(model.left.wait(), 5)


async def test_cancelling_without_waiting_returns_before_the_end_and_twice_does_no_harm(
    service: RunningService,
) -> None:
    client = service.sdk()
    thread_id, run_id = await started(client)
    await client.runs.cancel(thread_id, run_id)
    await client.runs.cancel(thread_id, run_id)
    joined = await client.runs.join(thread_id, run_id)
    assert joined["__error__"]["error"] == "Cancelled"
    await cancelled(client, thread_id, run_id)
    assert [action for action, _ in await audited(service, run_id)].count("run.cancelled") == 1


async def test_a_run_that_has_ended_stays_as_it_is(service: RunningService) -> None:
    client = service.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    run = await client.runs.create(thread_id, "agent", input={"rounds": 1})
    await client.runs.join(thread_id, run["run_id"])
    for wait in (False, True):
        await asyncio.wait_for(client.runs.cancel(thread_id, run["run_id"], wait=wait), 30)
    assert (await client.runs.get(thread_id, run["run_id"]))["status"] == "success"
    assert [action for action, _ in await audited(service, run["run_id"])] == ["run.accepted", "run.finished"]


async def test_somebody_elses_run_is_not_found_and_runs_on(idle: RunningService) -> None:
    owner = idle.sdk("acme", "ada")
    thread_id = (await owner.threads.create())["thread_id"]
    run = await owner.runs.create(thread_id, "agent", input={})
    for stranger in (idle.sdk("acme", "bob"), idle.sdk("other", "ada")):
        with pytest.raises(NotFoundError):
            await stranger.runs.cancel(thread_id, run["run_id"])
        with pytest.raises(httpx.HTTPStatusError, match="404"):  # the SDK's own way when it waits
            await stranger.runs.cancel(thread_id, run["run_id"], wait=True)
        with pytest.raises(NotFoundError):
            await stranger.runs.cancel_many(thread_id=thread_id, run_ids=[run["run_id"]])
        await stranger.runs.cancel_many(status="all")
    assert (await owner.runs.get(thread_id, run["run_id"]))["status"] == "pending"


async def test_many_are_cancelled_by_their_ids_or_by_status(idle: RunningService) -> None:
    client = idle.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    runs = [(await client.runs.create(thread_id, "agent", input={}))["run_id"] for _ in range(3)]
    with pytest.raises(NotFoundError):
        await client.runs.cancel_many(thread_id=thread_id, run_ids=[runs[0], str(uuid4())])
    await client.runs.cancel_many(thread_id=thread_id, run_ids=runs[:2])
    assert await statuses(client, thread_id) == ["interrupted", "interrupted", "pending"]
    assert (await client.threads.get(thread_id))["status"] == "busy"
    await client.runs.cancel_many(status="running")
    assert await statuses(client, thread_id) == ["interrupted", "interrupted", "pending"]
    await client.runs.cancel_many(status="all")
    assert await statuses(client, thread_id) == ["interrupted"] * 3
    assert (await client.threads.get(thread_id))["status"] == "idle"


async def test_more_than_a_batch_is_cancelled_whole(idle: RunningService) -> None:
    client = idle.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    await asyncio.gather(*(client.runs.create(thread_id, "agent", input={}) for _ in range(120)))
    await client.runs.cancel_many(status="pending")
    assert set(await statuses(client, thread_id)) == {"interrupted"}


async def statuses(client: LangGraphClient, thread_id: str) -> list[str]:
    """Give the statuses of a thread's runs, the oldest first."""
    return [run["status"] for run in reversed(await client.runs.list(thread_id, limit=1000))]


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("/runs/cancel?action=rollback", {"status": "all"}, 501, "does not support action=rollback"),
        ("/threads/{id}/runs/{id}/cancel?action=rollback", None, 501, "does not support action=rollback"),
        ("/threads/{id}/runs/{id}/cancel?action=other", None, 422, "query.action"),
        ("/runs/cancel", {}, 422, "name the runs by thread_id and run_ids, or all with a status"),
        ("/runs/cancel", {"thread_id": str(uuid4())}, 422, "or all with a status"),
    ],
)
async def test_what_cannot_be_is_said(
    idle: RunningService, path: str, body: dict[str, str] | None, status: int, sentence: str
) -> None:
    async with idle.http() as http:
        answer = await http.post(path.format(id=uuid4()), json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert sentence in answer.json()["detail"]


async def test_a_viewer_cancels_nothing(idle: RunningService) -> None:
    async with idle.http(role="viewer") as http:
        answers = [
            await http.post(path, json={"status": "all"}) for path in ("/runs/cancel", f"/jobs/{uuid4()}/cancel")
        ]
    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_new_run_makes_the_ones_before_it_stop_when_asked_to(service: RunningService) -> None:
    client = service.sdk()
    thread_id, running = await started(client)
    waiting = await client.runs.create(thread_id, "agent", input={"rounds": 1})
    began = time.monotonic()
    values = await asyncio.wait_for(
        client.runs.wait(thread_id, "agent", input={"rounds": 1, "delay": 0}, multitask_strategy="interrupt"), 15
    )
    assert time.monotonic() - began < PROMPT_SECONDS
    assert isinstance(values, dict)
    assert values["done"] == 1
    assert await statuses(client, thread_id) == ["interrupted", "interrupted", "success"]
    assert [run["run_id"] for run in reversed(await client.runs.list(thread_id))][:2] == [running, waiting["run_id"]]


async def test_a_thread_is_busy_with_the_run_that_others_made_way_for(idle: RunningService) -> None:
    client = idle.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    for _ in range(2):
        await client.runs.create(thread_id, "agent", input={"rounds": 1}, multitask_strategy="interrupt")
    assert (await client.threads.get(thread_id))["status"] == "busy"


async def test_making_way_waits_for_no_worker_that_waits_for_it(service: RunningService) -> None:
    """A worker holds its run while it writes the thread; who locks them the other way round stops both."""
    client = service.sdk()
    before = await deadlocks(service)

    async def impatient() -> None:
        thread_id = (await client.threads.create())["thread_id"]
        for _ in range(12):
            await client.runs.create(
                thread_id, "agent", input={"rounds": 20, "delay": 0.002}, multitask_strategy="interrupt"
            )
            await asyncio.sleep(0.05)
        await client.runs.wait(thread_id, "agent", input={"rounds": 1, "delay": 0}, multitask_strategy="interrupt")

    await asyncio.gather(*(impatient() for _ in range(6)))
    assert await deadlocks(service) == before


async def deadlocks(service: RunningService) -> int:
    async with service.container.sessions() as session:
        await session.execute(text("SELECT pg_stat_force_next_flush()"))
        statement = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(await session.scalar(statement) or 0)


@pytest.mark.parametrize("how", ["stream", "wait"])
@pytest.mark.parametrize("on_disconnect", ["cancel", "continue"])
async def test_a_client_that_goes_away_takes_its_run_along_when_it_said_so(
    service: RunningService, how: str, on_disconnect: str
) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    client = service.sdk(tenant)
    thread_id = (await client.threads.create())["thread_id"]
    body = {"assistant_id": "agent", "input": {"rounds": 4, "delay": 0.7}, "on_disconnect": on_disconnect}
    async with (
        service.http(tenant) as http,
        http.stream("POST", f"/threads/{thread_id}/runs/{how}", json=body) as answer,
    ):
        run_id = answer.headers["content-location"].rpartition("/")[2]
        await until_status(client, thread_id, run_id, "running")
    ended = await until_status(client, thread_id, run_id, "interrupted", "success")
    assert ended == ("interrupted" if on_disconnect == "cancel" else "success")


async def test_a_client_that_stays_to_the_end_cancels_nothing(service: RunningService) -> None:
    client = service.sdk()
    thread_id = (await client.threads.create())["thread_id"]
    async for _ in client.runs.stream(thread_id, "agent", input={"rounds": 2}, on_disconnect="cancel"):
        pass
    assert await statuses(client, thread_id) == ["success"]


async def test_a_server_that_stops_is_no_client_that_went_away(environment: Mapping[str, str]) -> None:
    settings = await isolated_settings(environment, "cancelstop")
    async with serving(settings, SAMPLE) as staying:
        tenant = f"t-{uuid4().hex[:8]}"
        client = staying.sdk(tenant)
        thread_id = (await client.threads.create())["thread_id"]
        async with staying.http(tenant) as http:
            async with serving(settings, SAMPLE, grace_seconds=0) as stopping:
                body = {"assistant_id": "agent", "input": {}, "on_disconnect": "cancel"}
                url = f"{stopping.url}/threads/{thread_id}/runs/stream"
                request = http.build_request("POST", url, json=body)
                answer = await http.send(request, stream=True)
            with pytest.raises(httpx.HTTPError):
                await answer.aread()
        assert await statuses(client, thread_id) == ["pending"]


async def test_a_follower_cancels_on_disconnect_when_it_says_so_and_may(service: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    client = service.sdk(tenant)
    thread_id, run_id = await started(client)
    viewer = service.sdk(tenant, role="viewer")
    with pytest.raises(Exception, match="runs:write"):
        async for _ in viewer.runs.join_stream(thread_id, run_id, cancel_on_disconnect=True):
            pass
    async for _ in client.runs.join_stream(thread_id, run_id):
        break
    assert (await client.runs.get(thread_id, run_id))["status"] == "running"
    async for _ in client.runs.join_stream(thread_id, run_id, cancel_on_disconnect=True):
        break
    assert await until_status(client, thread_id, run_id, "interrupted", "success") == "interrupted"
