"""What has to be in the audit log is there, and its copies have the shape that collectors know."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import select
from tests.support.audit import keeper_environment, keeping, until_sealed
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, running_service

from chassis.audit.started import recorded_start
from chassis.audit.tables import AuditEvent
from chassis.settings_loader import load_settings

pytestmark = pytest.mark.slow

SCHEMA = json.loads((Path(__file__).parents[2] / "support" / "ocsf.schema.json").read_text())


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    return await isolated_environment(environment, "audited")


@pytest.fixture(scope="module")
async def audited(own: dict[str, str]) -> AsyncIterator[RunningService]:
    async with running_service(load_settings(own), SAMPLE) as service:
        yield service


async def events(service: RunningService, **wanted: str) -> list[AuditEvent]:
    async with service.container.sessions() as session:
        statement = select(AuditEvent).filter_by(**wanted).order_by(AuditEvent.event_id)
        return list((await session.scalars(statement)).all())


async def test_a_caller_without_credentials_is_refused_and_audited(audited: RunningService) -> None:
    async with audited.http() as client:
        response = await client.post("/threads/search", json={}, headers={"Authorization": "Bearer stolen-token"})
    assert response.status_code == 401
    [event] = await events(audited, action="access.refused", tenant_id="unknown")
    assert (event.outcome, event.resource) == ("failure", "endpoint/POST /threads/search")
    assert "stolen-token" not in json.dumps([event.details, event.context])


async def test_a_caller_without_the_role_is_refused_and_audited(audited: RunningService) -> None:
    async with audited.http("t-refused", "eve", "viewer") as client:
        response = await client.post("/threads", json={})
    assert response.status_code == 403
    [event] = await events(audited, tenant_id="t-refused")
    assert (event.action, event.owner_id, event.outcome) == ("access.refused", "eve", "failure")
    assert event.details["permission"] == "runs:write"
    assert event.context["roles"] == ["viewer"]


async def test_a_sensitive_endpoint_is_audited_each_time(audited: RunningService) -> None:
    async with audited.http("t-sensitive") as client:
        thread = (await client.post("/threads", json={})).json()["thread_id"]
        for _ in range(2):
            assert (await client.get(f"/threads/{thread}/state")).status_code == 200
    found = await events(audited, tenant_id="t-sensitive", action="endpoint.accessed")
    assert [event.details["path"] for event in found] == [{"thread_id": thread}] * 2


async def test_a_tools_intent_and_outcome_are_audited(audited: RunningService) -> None:
    client = audited.sdk("t-tools")
    thread = (await client.threads.create())["thread_id"]
    await client.runs.wait(thread, "agent", input={"rounds": 2})
    found = await events(audited, tenant_id="t-tools")
    assert [event.action for event in found] == [
        *("thread.created", "run.accepted"),
        *("tool.intended", "sample.effect", "tool.called") * 2,
        "run.finished",
    ]
    intended = [event.details for event in found if event.action == "tool.intended"]
    assert [details["tool_call_id"] for details in intended] == ["round-0", "round-1"]


async def test_a_start_is_audited_with_release_and_configuration(audited: RunningService) -> None:
    async with recorded_start(audited.container, "work"), asyncio.timeout(60):
        while not (found := await events(audited, action="service.started", resource="process/work")):
            pass
    assert set(found[0].details) == {"environment", "configuration"}
    assert found[0].context["version"] == "unreleased"


async def test_every_copy_has_the_shape_of_the_schema(
    audited: RunningService, own: dict[str, str], tmp_path: Path
) -> None:
    sink = tmp_path / "audit.jsonl"
    async with audited.http("t-shape") as client:
        await client.post("/threads", json={})
    with keeper_environment(own, sink, CHASSIS__AUDIT__HEAD_EVENTS="1") as keeper:
        async with keeping(keeper):
            await until_sealed(audited.container.sessions)
    records: list[dict[str, Any]] = [json.loads(line) for line in sink.read_text().splitlines()]
    validator = jsonschema.Draft202012Validator(SCHEMA)
    problems = [error.message for record in records for error in validator.iter_errors(record)]
    assert problems == []
    codes = {record["metadata"]["event_code"] for record in records}
    assert {"thread.created", "access.refused", "audit.signed", "service.started"} <= codes
    assert len({record["metadata"]["uid"] for record in records}) == len(records)
