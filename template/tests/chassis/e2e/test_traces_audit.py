"""What the keeper of the audit log shows of its work, and that it shows nothing while it has none."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.audit import keeper_environment, until_sealed, write
from tests.support.isolation import isolated_environment
from tests.support.otlp_receiver import receiver
from tests.support.sample_agent import SAMPLE
from tests.support.worker_process import ended

from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow


async def test_a_seal_and_a_shipment_are_traces_of_their_own_and_an_idle_keeper_makes_none(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    own = await isolated_environment(environment, "traces-audit")
    with (
        receiver() as backend,
        keeper_environment(
            own,
            tmp_path / "audit.jsonl",
            CHASSIS__TELEMETRY_BACKEND__URL=backend.url,
            CHASSIS__AUDIT__HEAD_SECONDS="1",  # so that heads are signed and shipped while nothing else happens
            CHASSIS__MANAGEMENT__PORT="0",
            PYTHONPATH=os.pathsep.join([".", "src"]),
        ) as keeper,
        (tmp_path / "log").open("ab") as log,
    ):
        async with open_container(load_settings(own), agent=SAMPLE) as container:
            await write(container.sessions, 1, 3)
            process = await asyncio.to_thread(
                subprocess.Popen, [sys.executable, "-m", "chassis", "audit", "keep"], env=keeper, stdout=log, stderr=log
            )
            with ended(process):
                async with asyncio.timeout(60):
                    while not backend.named("ship audit events"):  # noqa: ASYNC110 - a thread takes them
                        await asyncio.sleep(0.05)
                    await until_sealed(container.sessions)
                await asyncio.sleep(4)
                before = len(backend.spans)
                await asyncio.sleep(4)
                assert len(backend.spans) == before, "heads are signed and shipped meanwhile"
                await write(container.sessions, 4, 4)
                async with asyncio.timeout(60):
                    while len(backend.spans) == before:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
    sealed, shipped = backend.named("seal audit events"), backend.named("ship audit events")
    assert sum(span.attributes["chassis.audit.events"] for span in sealed) >= 3
    assert shipped[0].attributes["chassis.audit.events"] >= 1
    assert {span.process for span in backend.spans} == {"audit_keep"}
    roots = {span.name for span in backend.spans if not span.parent_id}
    assert roots == {"seal audit events", "ship audit events"}
    statements = [span for span in backend.trace(sealed[0].trace_id) if span.parent_id == sealed[0].span_id]
    assert {span.attributes["db.system.name"] for span in statements} == {"postgresql"}
