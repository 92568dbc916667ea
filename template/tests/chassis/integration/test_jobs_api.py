"""Jobs through HTTP: whose they are, page by page, cancelled and redriven."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, serving

from chassis.api import ChassisError, Principal, enqueue
from chassis.audit.tables import AuditEvent
from chassis.jobs.finish import finish
from chassis.jobs.tables import JobStatus, OutboxEntry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def idle(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    """An API without a worker: what is accepted stays pending."""
    async with serving(await isolated_settings(environment, "jobsapi"), SAMPLE) as service:
        yield service


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid4().hex[:8]}"


async def a_task(service: RunningService, tenant: str, subject: str = "ada", **payload: Any) -> str:
    async with service.container.sessions.begin() as session:
        job = await enqueue(session, Principal(tenant, subject), "count", {"steps": 1, **payload})
    return str(job.job_id)


async def a_run(http: httpx.AsyncClient, thread_id: str | None = None) -> dict[str, Any]:
    path = f"/threads/{thread_id}/runs" if thread_id else "/runs"
    run: dict[str, Any] = (await http.post(path, json={"assistant_id": "agent", "input": {"secret": "hunter2"}})).json()
    return run


async def end(service: RunningService, job_id: str, status: JobStatus) -> None:
    async with service.container.sessions.begin() as session:
        error = {"error": "X", "message": "Why."}
        await finish(session, service.container.kinds, UUID(job_id), status, error=error)


async def actions(service: RunningService, job_id: str) -> list[tuple[str, str]]:
    async with service.container.sessions() as session:
        found = select(AuditEvent).where(AuditEvent.resource.endswith(job_id)).order_by(AuditEvent.event_id)
        return [(event.action, event.owner_id) for event in await session.scalars(found)]


async def test_pages_follow_one_another_and_filters_narrow(idle: RunningService, tenant: str) -> None:
    tasks = [await a_task(idle, tenant) for _ in range(5)]
    async with idle.http(tenant) as http:
        run = await a_run(http)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await http.get("/jobs", params={"limit": 2, **cursor})).json()
            seen += [job["job_id"] for job in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == [run["run_id"], *reversed(tasks)]
        assert "hunter2" not in str(page)
        for params, expected in (
            ({"kind": "agent"}, [run["run_id"]]),
            ({"thread_id": run["thread_id"]}, [run["run_id"]]),
            ({"kind": "count", "status": ["pending", "dead"]}, tasks[::-1]),
            ({"status": "running"}, []),
        ):
            items = (await http.get("/jobs", params=params)).json()["items"]
            assert [job["job_id"] for job in items] == expected


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"status": "odd"}, {"cursor": "x"}, {"colour": "red"}, {"kind": "A B"}]
)
async def test_a_wrong_query_is_a_problem(idle: RunningService, params: dict[str, Any]) -> None:
    async with idle.http() as http:
        answer = await http.get("/jobs", params=params)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_job_shows_what_it_was_given_and_came_to(idle: RunningService, tenant: str) -> None:
    job_id = await a_task(idle, tenant, delay=1)
    await end(idle, job_id, "error")
    async with idle.http(tenant) as http:
        job = (await http.get(f"/jobs/{job_id}")).json()
    assert (job["kind"], job["status"], job["payload"]) == ("count", "error", {"steps": 1, "delay": 1})
    assert (job["error"]["message"], job["progress"], job["thread_id"]) == ("Why.", None, None)


async def test_others_see_nothing_but_administrators_do_and_that_is_audited(idle: RunningService, tenant: str) -> None:
    job_id = await a_task(idle, tenant, "ada")
    for who in ((tenant, "bob", "user"), ("elsewhere", "ada", "admin")):
        async with idle.http(*who) as http:
            assert (await http.get("/jobs")).json()["items"] == []
            answers = [
                await http.get(f"/jobs/{job_id}"),
                await http.post(f"/jobs/{job_id}/cancel"),
                await http.post(f"/jobs/{job_id}/redrive"),
            ]
            assert [answer.status_code for answer in answers] == [404] * 3
    async with idle.http(tenant, "ada", "user") as http:
        assert (await http.get(f"/jobs/{job_id}")).status_code == 200
    async with idle.http(tenant, "carol", "admin") as http:
        assert [job["job_id"] for job in (await http.get("/jobs")).json()["items"]] == [job_id]
        assert (await http.get(f"/jobs/{job_id}")).json()["owner"] == "ada"
        assert (await http.post(f"/jobs/{job_id}/cancel")).json()["status"] == "cancelled"
    assert await actions(idle, job_id) == [
        ("job.accepted", "ada"),
        ("job.read", "carol"),
        ("job.cancelled", "carol"),
        ("job.finished", "ada"),
    ]


async def test_a_viewer_sees_and_does_nothing(idle: RunningService, tenant: str) -> None:
    job_id = await a_task(idle, tenant)
    async with idle.http(tenant, role="viewer") as http:
        assert (await http.get(f"/jobs/{job_id}")).status_code == 200
        answers = [await http.post(f"/jobs/{job_id}/{act}") for act in ("cancel", "redrive")]
    assert [answer.status_code for answer in answers] == [403, 403]


async def test_cancelling_what_has_ended_changes_nothing(idle: RunningService, tenant: str) -> None:
    job_id = await a_task(idle, tenant)
    await end(idle, job_id, "success")
    async with idle.http(tenant) as http:
        answer = await http.post(f"/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "success")


async def until_heard(idle: RunningService, announced: asyncio.Event) -> None:
    """A listener needs a moment until it hears."""
    async with asyncio.timeout(60):
        while not announced.is_set():
            await idle.container.queue.publish(uuid4())
            with suppress(TimeoutError):
                await asyncio.wait_for(announced.wait(), 0.5)
    announced.clear()


@pytest.mark.parametrize("status", ["error", "timeout", "cancelled", "dead"])
async def test_what_failed_is_redriven_announced_and_audited(
    idle: RunningService, tenant: str, status: JobStatus
) -> None:
    async with idle.http(tenant) as http:
        run = await a_run(http)
        await end(idle, run["run_id"], status)
        announced: asyncio.Event = asyncio.Event()
        async with idle.container.queue.listen(announced.set):
            await until_heard(idle, announced)
            answer = await http.post(f"/jobs/{run['run_id']}/redrive")
            await asyncio.wait_for(announced.wait(), 60)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert answer.headers["location"] == f"/jobs/{run['run_id']}"
        assert (await http.get(f"/threads/{run['thread_id']}")).json()["status"] == "busy"
    assert ("run.redriven", "ada") in await actions(idle, run["run_id"])
    async with idle.container.sessions() as session:
        entries = await session.scalars(select(OutboxEntry).where(OutboxEntry.job_id == UUID(run["run_id"])))
        assert len(list(entries)) == 2


@pytest.mark.parametrize("status", ["pending", "success", "interrupted"])
async def test_what_did_not_fail_is_not_redriven(idle: RunningService, tenant: str, status: JobStatus) -> None:
    job_id = await a_task(idle, tenant)
    if status != "pending":
        await end(idle, job_id, status)
    async with idle.http(tenant) as http:
        answer = await http.post(f"/jobs/{job_id}/redrive")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert f"is {status}; Only what has failed" in answer.json()["detail"]


async def test_a_run_is_not_redriven_when_its_thread_has_moved_on(idle: RunningService, tenant: str) -> None:
    async with idle.http(tenant) as http:
        run = await a_run(http)
        await end(idle, run["run_id"], "dead")
        await a_run(http, run["thread_id"])
        answer = await http.post(f"/jobs/{run['run_id']}/redrive")
        assert (answer.status_code, answer.json()["title"]) == (409, "Conflict")
        assert "Later runs exist" in answer.json()["detail"]
        assert (await http.get(f"/jobs/{run['run_id']}")).json()["status"] == "dead"


@pytest.mark.parametrize(
    ("task", "payload", "sentence"),
    [
        ("recount", {}, r"no background task 'recount'; AgentSpec\.tasks names broken, count, enqueuing"),
        ("agent", {}, "no background task 'agent'"),
        ("count", {"x": "y" * 100_000}, "at most 100000 bytes; store more elsewhere"),
        ("count", {"x": object()}, "a dictionary of JSON types"),
        ("count", ["x"], "is a dictionary"),
    ],
)
async def test_what_cannot_be_done_is_said_at_once(
    idle: RunningService, task: str, payload: Any, sentence: str
) -> None:
    async with idle.container.sessions.begin() as session:
        with pytest.raises(ChassisError, match=sentence):
            await enqueue(session, Principal("t", "ada"), task, payload)
