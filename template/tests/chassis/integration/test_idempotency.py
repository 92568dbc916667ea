"""A request that is sent again with its Idempotency-Key accepts nothing again, whatever happened to the first answer."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, update
from tests.support.isolation import isolated_environment, isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, serving, working

from chassis.dev.services import free_port
from chassis.jobs.idempotency import Idempotency, RememberedKey, forget_old_keys
from chassis.jobs.tables import Job
from chassis.ports.identity import Principal
from chassis.settings_loader import load_settings

pytestmark = pytest.mark.slow

BODY = {"assistant_id": "agent", "input": {"rounds": 1}}
REPLAYED = "idempotency-replayed"


@pytest.fixture(scope="module")
async def idle(environment: Mapping[str, str]) -> AsyncIterator[RunningService]:
    """An API without a worker: what is accepted stays pending."""
    async with serving(await isolated_settings(environment, "idempotency"), SAMPLE) as service:
        yield service


def key(value: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": f'"{value or uuid4()}"'}


async def accepted(service: RunningService, tenant: str) -> int:
    async with service.container.sessions() as session:
        return await session.scalar(select(func.count()).select_from(Job).where(Job.tenant_id == tenant)) or 0


async def test_the_same_request_is_answered_with_the_same_run(idle: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    async with idle.http(tenant) as http:
        headers = key()
        first = await http.post("/runs", json=BODY, headers=headers)
        again: dict[str, Any] = {"content": b'{"input":{"rounds":1},"assistant_id":"agent"}'}
        second = await http.post("/runs", **again, headers={**headers, "Content-Type": "application/json"})
    assert (first.status_code, second.status_code) == (200, 200)
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == "true"
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]
    assert await accepted(idle, tenant) == 1


async def test_without_a_key_every_request_is_a_new_one(idle: RunningService) -> None:
    async with idle.http() as http:
        runs = [(await http.post("/runs", json=BODY)).json()["run_id"] for _ in range(2)]
    assert runs[0] != runs[1]


@pytest.mark.parametrize(("path", "body"), [("/runs", {**BODY, "input": {"rounds": 2}}), ("/runs/wait", BODY)])
async def test_another_request_with_the_same_key_is_refused(
    idle: RunningService, path: str, body: dict[str, object]
) -> None:
    async with idle.http() as http:
        headers = key()
        await http.post("/runs", json=BODY, headers=headers)
        answer = await http.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "came with another request before" in answer.json()["detail"]


async def test_a_key_belongs_to_its_caller(idle: RunningService) -> None:
    headers, tenant = key(), f"t-{uuid4().hex[:8]}"
    runs = set()
    for who in ((tenant, "ada"), (tenant, "bob"), (f"{tenant}x", "ada")):
        async with idle.http(*who) as http:
            runs.add((await http.post("/runs", json=BODY, headers=headers)).json()["run_id"])
    assert len(runs) == 3


@pytest.mark.parametrize("value", ["", '""', '"a', "a b", "x" * 256])
async def test_a_key_that_is_none_is_said(idle: RunningService, value: str) -> None:
    async with idle.http() as http:
        answer = await http.post("/runs", json=BODY, headers={"Idempotency-Key": value})
    assert answer.status_code == 422
    assert "1 to 255 visible ASCII characters" in answer.json()["detail"]


async def test_two_keys_are_none(idle: RunningService) -> None:
    async with idle.http() as http:
        sent = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Authorization", http.headers["authorization"])]
        answer = await http.post("/runs", json=BODY, headers=sent)
    assert answer.status_code == 422


async def test_a_refused_request_uses_no_key_up(idle: RunningService) -> None:
    async with idle.http() as http:
        headers = key()
        refused = await http.post("/runs", json={**BODY, "assistant_id": "nobody"}, headers=headers)
        answer = await http.post("/runs", json=BODY, headers=headers)
    assert (refused.status_code, answer.status_code) == (404, 200)


async def test_while_the_first_is_being_accepted_the_second_is_told_to_come_back(idle: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    headers = key("in-flight")
    async with idle.http(tenant) as http:
        async with idle.container.sessions.begin() as session:
            assert await Idempotency("in-flight").earlier(session, Principal(tenant, "ada")) is None
            answer = await http.post("/runs", json=BODY, headers=headers)
        assert answer.status_code == 409
        assert "being accepted at this moment" in answer.json()["detail"]
        assert (await http.post("/runs", json=BODY, headers=headers)).status_code == 200


async def test_a_hundred_at_once_are_one_run(idle: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    headers = key()
    async with httpx.AsyncClient(
        base_url=idle.url, headers=idle.headers(tenant), timeout=60, limits=httpx.Limits(max_connections=100)
    ) as http:
        answers = await asyncio.gather(*(http.post("/runs", json=BODY, headers=headers) for _ in range(100)))
        last = await http.post("/runs", json=BODY, headers=headers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    runs = {answer.json()["run_id"] for answer in [*answers, last] if answer.status_code == 200}
    assert len(runs) == 1
    fresh = [answer for answer in answers if answer.status_code == 200 and REPLAYED not in answer.headers]
    assert len(fresh) == 1
    assert await accepted(idle, tenant) == 1


@pytest.mark.parametrize("how", ["wait", "stream"])
@pytest.mark.parametrize("on_a_thread", [True, False])
async def test_who_waits_or_streams_again_joins_the_same_run(idle: RunningService, how: str, on_a_thread: bool) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    client = idle.sdk(tenant)
    prefix = f"/threads/{(await client.threads.create())['thread_id']}" if on_a_thread else ""
    body, headers = {**BODY, "stream_mode": ["values"]}, key()
    async with idle.http(tenant) as http:
        async with http.stream("POST", f"{prefix}/runs/{how}", json=body, headers=headers) as cut_off:
            assert REPLAYED not in cut_off.headers
        async with working(idle.container):
            answers = [await http.post(f"{prefix}/runs/{how}", json=body, headers=headers) for _ in range(2)]
    assert [answer.headers[REPLAYED] for answer in answers] == ["true", "true"]
    assert {answer.headers["content-location"] for answer in answers} == {cut_off.headers["content-location"]}
    assert answers[0].text.strip() == answers[1].text.strip()
    assert "round 0" in answers[0].text
    assert await accepted(idle, tenant) == 1


async def test_old_keys_count_no_longer_and_are_forgotten(idle: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    headers, young = key("old"), key("young")
    async with idle.http(tenant) as http:
        first = await http.post("/runs", json=BODY, headers=headers)
        await http.post("/runs", json=BODY, headers=young)
        await age(idle, tenant, "old")
        second = await http.post("/runs", json={**BODY, "input": {}}, headers=headers)
        assert second.status_code == 200
        assert second.json()["run_id"] != first.json()["run_id"]
        await age(idle, tenant, "old")
    async with idle.container.sessions.begin() as session:
        assert await forget_old_keys(session, 86_400) == 1
        assert await forget_old_keys(session, 86_400) == 0
    async with idle.container.sessions() as session:
        left = await session.scalars(select(RememberedKey.key).where(RememberedKey.tenant_id == tenant))
        assert list(left) == ["young"]


async def age(service: RunningService, tenant: str, name: str) -> None:
    async with service.container.sessions.begin() as session:
        old = update(RememberedKey).where(RememberedKey.tenant_id == tenant, RememberedKey.key == name)
        await session.execute(old.values(created_at=func.now() - func.make_interval(0, 0, 0, 1, 0, 1)))


async def test_old_keys_are_forgotten(idle: RunningService) -> None:
    tenant = f"t-{uuid4().hex[:8]}"
    async with idle.http(tenant) as http:
        await http.post("/runs", json=BODY, headers=key("swept"))
    await age(idle, tenant, "swept")
    statement = select(func.count()).select_from(RememberedKey).where(RememberedKey.tenant_id == tenant)
    async with idle.container.sessions.begin() as session:
        assert await forget_old_keys(session, idle.container.settings.runs.idempotency_seconds) >= 1
        assert await session.scalar(statement) == 0


async def test_an_answer_that_a_crash_swallowed_is_given_to_the_retry(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    own = await isolated_environment(environment, "idempotencycrash")
    port, tenant, headers = free_port(), f"t-{uuid4().hex[:8]}", key()
    crashing = {**own, "CHASSIS__HTTP__PORT": str(port), "PYTHONPATH": os.pathsep.join([".", "src"])}
    async with serving(load_settings(own), SAMPLE) as other:
        process = crashing_api(crashing, tmp_path / "log")
        try:
            async with other.http(tenant) as http:
                with pytest.raises(httpx.TransportError):
                    await when_up(http, f"http://127.0.0.1:{port}/runs", headers)
                assert await asyncio.to_thread(process.wait, 10) == 13
                async with other.container.sessions() as session:
                    run_id = await session.scalar(select(Job.job_id).where(Job.tenant_id == tenant))
                answer = await http.post("/runs", json=BODY, headers=headers)
        finally:
            process.kill()
            process.wait()
    assert answer.headers[REPLAYED] == "true"
    assert UUID(answer.json()["run_id"]) == run_id


def crashing_api(environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.support.crashing_api"]
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


async def when_up(http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    """Send the request once the server listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await http.post(url, json=BODY, headers=headers)
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
