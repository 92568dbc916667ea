"""docs/jobs.md, carried out: its task and its route, its use of the SDK, and its commands."""

import asyncio
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.service import running_service

from chassis.jobs.tables import JobStatus
from chassis.settings_loader import load_settings

pytestmark = pytest.mark.slow

PAGE = Path("docs/jobs.md").read_text()


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


async def test_the_page_does_what_it_says(
    environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs_page.py").write_text("\n".join(snippets("python")))
    monkeypatch.syspath_prepend(str(tmp_path))
    page = importlib.import_module("jobs_page")
    agent = replace(SAMPLE, routes="jobs_page:router", tasks={"send_reminders": "jobs_page:send_reminders"})
    own = await isolated_environment(environment, "jobspage")
    settings = load_settings({**own, "CHASSIS__RUNS__MAX_ATTEMPTS": "1"})
    async with running_service(settings, agent) as service, service.http("acme") as http:
        ended = {}
        for count in (3, -1):
            answer = await http.post("/reminders", json={"count": count})
            assert answer.status_code == 202, answer.text
            location = answer.headers["location"]
            async with asyncio.timeout(60):
                while (job := (await http.get(location)).json())["status"] in {"pending", "running"}:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            ended[job["status"]] = job
        assert ended["success"]["result"] == {"sent": 3}
        assert ended["dead"]["error"]["message"].endswith("The mail server is out of order.")
        await page.stop_all(service.sdk("acme"))
    assert replace(agent, schedules={"nightly": page.NIGHTLY}).schedules
    script = "\n".join(["set -eu", *snippets("sh")])
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", script],
        env={
            **own,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([".", "src"]),
            "JOB": ended["dead"]["job_id"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"redriven  {ended['dead']['job_id']} pending" in done.stdout


def test_the_page_names_every_status() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(get_args(JobStatus))
