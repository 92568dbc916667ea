"""A real Prometheus on loopback, which scrapes processes of a service every second, as long as a test asks it."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.worker_process import ended

from chassis.dev.services import free_port

Series = dict[str, Any]
"""One of an answer: its labels in `metric`, and `value`, or `values` of a range: pairs of a time and a number as text."""


def of_prometheus(program: str) -> str:
    """Give a program of Debian's package; where it is missing nothing is proven, which CI must not take for a success."""
    found = shutil.which(program)
    missing = f"{program} is not here; Debian has it in the package prometheus, which `make servers` installs"
    if found is None and not os.environ.get("CI"):
        pytest.skip(missing)
    assert found, missing
    return found


@dataclass(frozen=True)
class Prometheus:
    """Where it listens, and what can be asked there."""

    url: str
    client: httpx.AsyncClient

    async def ask(self, where: str, **parameters: str | float) -> Any:
        """Ask its HTTP API; a question that it does not understand fails the test with its own words."""
        answer = await self.client.get(f"{self.url}/api/v1/{where}", params=parameters)
        assert answer.status_code == 200, f"{parameters}: {answer.text}"
        return answer.json()["data"]

    async def now(self, expression: str) -> list[Series]:
        """Evaluate an expression at this moment."""
        series: list[Series] = (await self.ask("query", query=expression))["result"]
        return series

    async def over(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """Evaluate it at each step of a time, given as seconds of the epoch."""
        series: list[Series] = (await self.ask("query_range", query=expression, start=start, end=end, step=step))[
            "result"
        ]
        return series

    async def scraped(self, times: int = 2, seconds: float = 120) -> None:
        """Wait until each target was scraped so often from now on; one that is not there counts, too."""
        targets = len((await self.ask("targets"))["activeTargets"])
        for _ in range(times):
            await self.until(f"count(timestamp(up) >= {time.time():.3f}) == {targets}", seconds)

    async def until(self, expression: str, seconds: float = 120) -> list[Series]:
        """Wait until an expression has an answer, and give it."""
        async with asyncio.timeout(seconds):
            while not (found := await self.now(expression)):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        return found


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, int], rules: Sequence[Path] = ()) -> AsyncIterator[Prometheus]:
    """Run it while the context is open: it scrapes these ports of this machine, each as the `instance` of that name."""
    port, config = free_port(), folder / "prometheus.yml"
    scraped = [{"targets": [f"127.0.0.1:{one}"], "labels": {"instance": name}} for name, one in targets.items()]
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(path.absolute()) for path in rules],
                "scrape_configs": [{"job_name": "chassis", "static_configs": scraped}],
            }
        )
    )
    command = [
        of_prometheus("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("ab") as output:
        process = await asyncio.to_thread(subprocess.Popen, command, stdout=output, stderr=output)
    with ended(process):
        async with httpx.AsyncClient(timeout=30) as client:
            async with asyncio.timeout(60):
                while not await _ready(client, port):
                    assert process.poll() is None, (folder / "prometheus.log").read_text()
                    await asyncio.sleep(0.1)
            yield Prometheus(f"http://127.0.0.1:{port}", client)


async def _ready(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/-/ready")).status_code == 200
    except httpx.TransportError:
        return False
