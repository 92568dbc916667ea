"""docs/slow-tool.md, carried out: each command as it stands there, on a service that has its tool, and what it prints compared in form."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.isolation import isolated_environment
from tests.support.prometheus import Prometheus, of_prometheus, prometheus
from tests.support.scraped_process import start

from chassis.dev.services import free_port

pytestmark = pytest.mark.slow

PAGE = Path("docs/slow-tool.md").read_text()
RUNBOOK = Path("observability/runbooks/ToolSlow.md")
COMMANDS = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
SHOWN_PROMETHEUS = "http://127.0.0.1:9090"
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")
SPACES = re.compile(r" +")

AGENT = """
from chassis.api import AgentSpec

AGENT = AgentSpec(
    name="agent",
    description="Finds parcels.",
    graph="agent.graph:build",
    routes="tests.support.sample_routes:router",
    models="agent",
)
"""
GRAPH = """
from langchain.agents import create_agent

from agent.tools.parcels import find_parcel
from chassis.api.graph import RunContext


def build(dependencies):
    tools, checkpointer = [find_parcel], dependencies.checkpointer
    return create_agent(dependencies.model, tools, context_schema=RunContext, checkpointer=checkpointer, name="agent")
"""


@dataclass(frozen=True)
class Incident:
    """The folder that the page's reader is in, with the environment there, and the Prometheus beside it."""

    folder: Path
    environment: Mapping[str, str]
    prometheus: Prometheus


def tool_slow() -> dict[str, Any]:
    """Give the rule."""
    files = [yaml.safe_load(path.read_text()) for path in Path("deploy/chart/rules").glob("*.yml")]
    rules = [rule for file in files for group in file.get("groups", ()) for rule in group["rules"]]
    [found] = [rule for rule in rules if rule.get("alert") == "ToolSlow"]
    assert isinstance(found, dict)
    return found


def settle(folder: Path) -> Path:
    """Write the page's project: its tool, an agent that has it, the runbooks, and the rule with a shorter `for`; give the rule's file."""
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    tools = folder / "src/agent/tools"
    tools.mkdir(parents=True)
    for path, text in ((tools / "parcels.py", snippet), (tools / "__init__.py", "")):
        path.write_text(text)
    (tools.parent / "__init__.py").write_text(AGENT)
    (tools.parent / "graph.py").write_text(GRAPH)
    rule = {**tool_slow(), "for": "2s"}
    assert rule != tool_slow()
    rules = folder / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "copy", "rules": [rule]}]}))
    return rules


@pytest.fixture(scope="module")
async def incident(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Incident]:
    of_prometheus("promtool")
    folder = tmp_path_factory.mktemp("parcels")
    rules = settle(folder)
    here = Path.cwd()
    own = {
        **await isolated_environment(environment, "parcels"),
        "CHASSIS__RUNS__LEASE_SECONDS": "10",  # with the tests' two a busy machine sweeps what is alive
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(here), str(here / "src")]),
    }
    targets = {name: free_port() for name in ("serve", "work")}
    async with AsyncExitStack() as stack:
        scraping = await stack.enter_async_context(prometheus(folder, targets, [rules]))
        await start(stack, own, folder / "work", "-m", "chassis", "work", management=targets["work"])
        serve = await start(stack, own, folder / "serve", "-m", "chassis", "serve", management=targets["serve"])
        for _ in range(2):  # Prometheus sees no rise in the first it hears of a series
            await ask(serve.port)
            await scraping.scraped()
        yield Incident(folder, own, scraping)


async def ask(port: int) -> None:
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": "Find the parcel."}]}}
    headers = {"Authorization": "Bearer dev:t-parcels:ada:admin"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120) as api:
        (await api.post("/runs/wait", json=body)).raise_for_status()


def form(text: str) -> list[str]:
    """Give what stays the same however often something is done: neither ids nor numbers, nor how they are aligned."""
    plain = NUMBER.sub("#", ID.sub("<id>", text))
    return [SPACES.sub(" ", line).strip() for line in plain.splitlines()]


async def test_each_command_of_the_page_prints_what_it_shows(incident: Incident) -> None:
    await incident.prometheus.until('ALERTS{alertname="ToolSlow", alertstate="firing"}')
    known: dict[str, str] = {}
    for command, shown in COMMANDS:
        typed = command.replace(SHOWN_PROMETHEUS, incident.prometheus.url)
        for named in ID.findall(command):
            typed = typed.replace(named, known[named])
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", typed],
            cwd=incident.folder,
            env=incident.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}{done.stderr}"
        assert form(done.stdout) == form(shown), f"{command}{done.stdout}"
        known |= dict(zip(ID.findall(shown), ID.findall(done.stdout), strict=True))


async def test_the_run_is_one_in_which_the_tool_is_the_slowest_step_and_the_line_is_the_tools(
    incident: Incident,
) -> None:
    marked = [line for _, shown in COMMANDS for line in shown.splitlines() if line.endswith("<- slowest")]
    assert [name for line in marked for name in re.findall(r"[a-z_]{3,}", line)][:1] == ["find_parcel"]
    [(path, number)] = re.findall(r"^(src\S+):(\d+):", COMMANDS[-1][1])
    lines = (incident.folder / path).read_text().splitlines()
    assert lines[int(number) - 1].startswith("async def find_parcel")
    assert "asyncio.sleep(12)" in lines[int(number) + 1]


def test_the_page_goes_the_way_of_the_runbook() -> None:
    rule = tool_slow()
    assert rule["annotations"]["runbook"] == RUNBOOK.as_posix()
    assert RUNBOOK.as_posix() in PAGE
    assert rule["annotations"]["summary"].replace("{{ $labels.tool }}", "find_parcel") in PAGE
    typed = "".join(command for command, _ in COMMANDS)
    assert rule["expr"].rpartition(" > ")[0] in typed
    run = ID.findall(typed)[0]
    codes = re.findall(r"`([^`]+)`", look())
    told = [code.replace("NAME", "find_parcel").replace("RUN", run) for code in codes if " " in code]
    assert [code for code in told if not code.startswith("execute_tool") and code not in typed] == []
    assert len(told) >= 5


def look() -> str:
    """Give the runbook's part about where to look."""
    return RUNBOOK.read_text().partition("## Look")[2].partition("## Do")[0]


def test_every_command_of_the_page_has_what_it_prints() -> None:
    assert PAGE.count("```sh") == PAGE.count("```text") == len(COMMANDS) >= 5
