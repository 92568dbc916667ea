"""The cost of an audited write against the same write without, of sealing and verifying, and of a secret from memory.

Run in a generated project. The two writes alternate, so that a slow moment of the machine hits both.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from chassis.audit.record import record
from chassis.audit.verify import Report
from chassis.db.engine import Sessions
from chassis.dev.environment import development_environment
from chassis.ports.secrets import Secret
from chassis.runs.accept import new_thread
from chassis.secrets.cache import CachedSecretManager
from chassis.settings_loader import load_settings
from chassis.wiring import open_container
from tests.support.audit import WRITER, keeper_environment, keeping, report_on, until_sealed
from tests.support.isolation import OWNER_URL, isolated_environment

Figures = dict[str, float | int | str]
WRITES = 1500
WARM_UP = 100
GETS = 100_000


class Backend:
    """A backend that is asked once."""

    async def read(self, name: str) -> Secret:
        """Answer at once."""
        return Secret(name, "value")


async def main() -> None:
    """Measure and print one line of JSON."""
    figures: Figures = {}
    await measure_secret(figures)
    with tempfile.TemporaryDirectory(prefix="bench-audit-", ignore_cleanup_errors=True) as directory:
        place = Path(directory)
        place.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        with development_environment(place, dict(os.environ), "test") as environment:
            own = await isolated_environment(environment, "bench")
            async with open_container(load_settings(own)) as container:
                await measure_writes(container.sessions, figures)
                with keeper_environment(own, place / "audit.jsonl", CHASSIS__AUDIT__HEAD_SECONDS="1") as keeper:
                    started = time.perf_counter()
                    async with keeping(keeper):
                        await until_sealed(container.sessions)
                    seconds = time.perf_counter() - started
            report = await timed_report(own[OWNER_URL], figures)
            assert report.problems == []
            figures["audit: events sealed, signed and shipped a second"] = round(report.sealed / seconds)
    print(json.dumps(figures))


async def measure_secret(figures: Figures) -> None:
    """Time `get` of a value that is in memory."""
    manager = CachedSecretManager(Backend())
    await manager.get("probe")
    started = time.perf_counter()
    for _ in range(GETS):
        await manager.get("probe")
    figures["secret: microseconds a get from memory"] = round((time.perf_counter() - started) / GETS * 1e6, 2)
    await manager.close()


async def measure_writes(sessions: Sessions, figures: Figures) -> None:
    """Time a transaction with one insert, with and without its event."""

    async def write(audited: bool) -> float:
        thread_id = uuid4()
        started = time.perf_counter()
        async with sessions.begin() as session:
            await session.execute(text("SELECT 1"))
            session.add(new_thread(WRITER, thread_id, {}))
            if audited:
                record(session, WRITER, "thread.created", f"thread/{thread_id}")
        return (time.perf_counter() - started) * 1000

    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(WRITES + WARM_UP):
        for audited in (True, False):
            milliseconds = await write(audited)
            if number >= WARM_UP:
                taken[audited].append(milliseconds)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        audited, bare = (statistics.quantiles(taken[key], n=1000)[int(share * 1000) - 1] for key in (True, False))
        figures[f"audit: ms of an audited write, {name}"] = round(audited, 2)
        figures[f"audit: ratio to the same write without, {name}"] = round(audited / bare, 2)


async def timed_report(url: str, figures: Figures) -> Report:
    """Time the verification."""
    started = time.perf_counter()
    report = await report_on(url)
    figures["audit: events verified a second"] = round(report.sealed / (time.perf_counter() - started))
    return report


if __name__ == "__main__":
    asyncio.run(main())
