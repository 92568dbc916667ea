"""A collector that is away: nothing is lost, nothing grows without bound, and everything arrives in the end."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
import structlog
from sqlalchemy import func, insert, select
from tests.support.audit import WRITER, keeper_environment, keeping, until_sealed, write
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.service import RunningService, running_service, until

from chassis.audit.keeper import Keeper
from chassis.audit.keys import signing_key
from chassis.audit.record import record
from chassis.audit.seal import chain_end, seal
from chassis.audit.ship import Shipper
from chassis.audit.spool import AuditSpool, AuditSpoolFullError
from chassis.audit.tables import AuditEvent
from chassis.db.engine import open_engine
from chassis.dev.environment import as_role
from chassis.ports.audit_sink import AuditRecord
from chassis.ports.errors import UnavailableError
from chassis.settings_loader import load_settings
from chassis.wiring import open_adapter_context

pytestmark = pytest.mark.slow

LIMIT = 1000
NUMBERS = itertools.count()


@pytest.fixture
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    own = await isolated_environment(environment, f"spool-{next(NUMBERS)}")
    return {**own, "CHASSIS__AUDIT__SPOOL_EVENTS": str(LIMIT)}


@pytest.fixture
async def service(own: dict[str, str]) -> AsyncIterator[RunningService]:
    async with running_service(load_settings(own), SAMPLE) as service:
        yield service


async def fill(service: RunningService, count: int) -> None:
    rows = [
        {
            "tenant_id": "acme",
            "owner_id": "ada",
            "action": "thing.counted",
            "resource": f"thing/{number}",
            "details": {},
        }
        for number in range(count)
    ]
    async with service.container.sessions.begin() as session:
        await session.execute(insert(AuditEvent), rows)


async def test_changes_are_refused_while_the_spool_is_full_and_not_before(service: RunningService) -> None:
    await fill(service, LIMIT - 50)
    async with service.http("acme") as client:
        assert (await client.post("/threads", json={})).status_code == 200
        await fill(service, 60)
        service.container.spool.look_again()
        response = await client.post("/threads", json={})
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "audit log has more events than may wait" in response.json()["detail"]
        deep = await client.get("/health/deep")
        assert (deep.status_code, deep.json()["checks"]["audit_log"]["status"]) == (503, "unavailable")
        thread = await client.get("/threads/00000000-0000-0000-0000-000000000000")
        assert thread.status_code == 404, "what changes nothing is served"


async def test_tools_with_consequences_are_refused_too(service: RunningService) -> None:
    await fill(service, LIMIT)
    with pytest.raises(AuditSpoolFullError):
        await service.container.spool.require_room()


async def test_an_alert_comes_before_the_bound(service: RunningService) -> None:
    await fill(service, LIMIT * 8 // 10)
    spool = AuditSpool(service.container.sessions, "file", LIMIT)
    with structlog.testing.capture_logs() as logs:
        await spool.require_room()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("audit.spool_filling", "error")]


async def test_what_waited_is_shipped_in_order_when_the_sink_is_back(
    service: RunningService, own: dict[str, str], tmp_path: Path
) -> None:
    sink = tmp_path / "away" / "audit.jsonl"  # its folder is not there yet
    sessions = service.container.sessions
    with keeper_environment(own, sink, CHASSIS__AUDIT__HEAD_SECONDS="1") as keeper:
        async with keeping(keeper):
            await write(sessions, 1, 30)
            await until_sealed(sessions)
            assert not sink.exists()
            sink.parent.mkdir()
            await until(lambda: sink.exists() and sink.read_text().count("thing.counted") >= 30, 30)
    records = [json.loads(line) for line in sink.read_text().splitlines()]
    sequences = [entry["metadata"]["sequence"] for entry in records if "sequence" in entry["metadata"]]
    assert sequences == sorted(sequences)
    assert len(set(sequences)) >= 30


class Hanging:
    """A sink that never confirms."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ship(self, _records: Sequence[AuditRecord]) -> None:
        self.asked.set()
        await asyncio.Event().wait()


async def test_a_sink_that_hangs_keeps_nobody_from_stopping(service: RunningService, own: dict[str, str]) -> None:
    settings = load_settings(as_role(own, "sealer"))
    await write(service.container.sessions, 1, 3)
    stop = asyncio.Event()
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, "hanging") as engine,
    ):
        sink = Hanging()
        shipper = Shipper(engine, sink, name="hanging", service="s", version="v", poll_seconds=0.05)
        keeper = Keeper(engine, partial(signing_key, settings.audit, context.secrets), shipper, settings.audit, {})
        task = asyncio.create_task(keeper.run(stop))
        async with asyncio.timeout(20):
            await sink.asked.wait()
            stop.set()
            await task


class Refusing:
    """A sink that confirms when it is told to."""

    def __init__(self) -> None:
        self.away = True

    async def ship(self, _records: Sequence[AuditRecord]) -> None:
        if self.away:
            raise UnavailableError


async def test_a_sink_that_refused_is_told_of_until_it_confirms(service: RunningService, own: dict[str, str]) -> None:
    settings = load_settings(as_role(own, "sealer"))
    await write(service.container.sessions, 1, 3)
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, "refusing") as engine,
        asyncio.timeout(60),
    ):
        async with engine.begin() as connection:
            await seal(connection, await chain_end(connection), 100)
        sink = Refusing()
        shipper = Shipper(engine, sink, name="refusing", service="s", version="v", poll_seconds=0.05)
        assert (await shipper.check()).state == "unknown"
        with pytest.raises(UnavailableError):
            await shipper.ship_some()
        assert (await shipper.check()).state == "unavailable"
        sink.away = False
        assert await shipper.ship_some()
        assert (await shipper.check()).state == "ok"


async def test_an_event_and_its_change_commit_together_or_not_at_all(service: RunningService) -> None:
    async with service.container.sessions() as session:
        record(session, WRITER, "thing.never", "thing/0")
        await session.flush()
        await session.rollback()
    async with service.container.sessions() as session:
        never = select(func.count()).where(AuditEvent.action == "thing.never")
        assert await session.scalar(never) == 0
