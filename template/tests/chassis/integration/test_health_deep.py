"""`/health/deep`: everything the service depends on, for who may know it; each bounded, and the others told of all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Unpack
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from tests.support.isolation import isolated_settings
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, serving

from chassis.audit.tables import AuditEvent
from chassis.ports.errors import UnavailableError
from chassis.settings import Settings
from chassis.wiring import Overrides

pytestmark = pytest.mark.slow

VENDOR = "WRONGPASS invalid username-password pair at 10.0.0.7"
STATES = {"database", "queue", "state_store", "secret_backend", "audit_log", "model"}


class Broken:
    """A queue, or live events, that answers with an error of a vendor's, or not at all."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs, self.asked = hangs, 0

    async def check(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        raise UnavailableError(VENDOR)

    async def publish(self, _run_id: UUID) -> None:
        raise UnavailableError(VENDOR)

    async def notify(self, _run_id: UUID) -> None:
        raise UnavailableError(VENDOR)

    async def depth(self) -> int | None:
        return None

    def listen(self, _told: Callable[..., None]) -> AbstractAsyncContextManager[None]:
        return nullcontext()


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> Settings:
    return await isolated_settings(environment, "deep")


@asynccontextmanager
async def asked(
    settings: Settings, **broken: Unpack[Overrides]
) -> AsyncIterator[tuple[RunningService, httpx.AsyncClient]]:
    async with serving(settings, SAMPLE, ports=broken) as service, service.http("t-deep") as http:
        yield service, http


async def test_who_may_know_sees_each_dependency_with_its_time(own: Settings) -> None:
    async with asked(own) as (_, http):
        answer = await http.get("/health/deep")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "ok")
    assert found["checks"].keys() == STATES
    assert {name for name, check in found["checks"].items() if check["needed"]} == {
        "database",
        "state_store",
        "audit_log",
    }
    for name in ("database", "queue", "state_store", "audit_log"):
        assert found["checks"][name]["status"] == "ok"
        assert found["checks"][name]["milliseconds"] > 0
    assert found["checks"]["model"]["status"] == "unknown", "no worker has seen it yet"


async def test_others_are_refused_and_the_refusal_is_audited(own: Settings) -> None:
    async with asked(own) as (service, http):
        stranger = await http.get("/health/deep", headers={"Authorization": "Bearer stolen"})
        async with service.http("t-deep", "eve", "user") as user:
            refused = await user.get("/health/deep")
        statement = select(AuditEvent).where(AuditEvent.resource == "endpoint/GET /health/deep")
        async with service.container.sessions() as session:
            events = (await session.scalars(statement.order_by(AuditEvent.event_id))).all()
    assert (stranger.status_code, refused.status_code) == (401, 403)
    assert "health:read" in refused.json()["detail"]
    assert [(event.action, event.owner_id) for event in events] == [
        ("access.refused", "unknown"),
        ("access.refused", "eve"),
    ]
    assert "checks" not in stranger.text + refused.text


async def test_a_queue_that_is_away_is_named_without_its_words_and_costs_no_503(own: Settings) -> None:
    async with asked(own, queue=Broken()) as (_, http):
        answer = await http.get("/health/deep")
    checks = answer.json()["checks"]
    assert (answer.status_code, checks["queue"]["status"]) == (200, "unavailable")
    assert checks["database"]["status"] == checks["state_store"]["status"] == "ok"
    assert "WRONGPASS" not in answer.text
    assert "10.0.0.7" not in answer.text


async def test_a_state_store_that_hangs_is_bounded_and_503_and_a_flood_asks_it_once(own: Settings) -> None:
    hanging = Broken(hangs=True)
    async with asyncio.timeout(60), asked(own, live_events=hanging) as (_, http):
        answers = await asyncio.gather(*(http.get("/health/deep") for _ in range(20)))
        answers.append(await http.get("/health/deep"))
    assert {answer.status_code for answer in answers} == {503}
    checks = answers[0].json()["checks"]
    assert checks["state_store"]["status"] == "unavailable"
    assert checks["state_store"]["milliseconds"] >= 2900
    assert checks["database"]["status"] == checks["queue"]["status"] == checks["audit_log"]["status"] == "ok"
    assert hanging.asked == 1
