"""The management port of each process, as an orchestrator and Prometheus see it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.isolation import isolated_environment

from chassis.dev.environment import DATABASE_URL, as_role
from chassis.dev.services import free_port
from chassis.management.listener import management_socket
from chassis.ports.errors import ConfigurationError
from chassis.settings import ManagementSettings

pytestmark = pytest.mark.slow
PROCESSES = {"serve": ("serve",), "work": ("work",), "audit_keep": ("audit", "keep")}
SERVICE = {"database", "queue", "state_store", "secret_backend", "audit_log", "model"}
DEEP = {"serve": SERVICE, "work": SERVICE, "audit_keep": {"database", "audit_log", "audit_sink", "secret_backend"}}
NOWHERE = "postgresql://app@127.0.0.1:{port}/nowhere"


@asynccontextmanager
async def process(
    environment: Mapping[str, str], log: Path, *command: str
) -> AsyncIterator[tuple[subprocess.Popen[bytes], httpx.AsyncClient, int]]:
    """Run a command of the service; give it, its management port's client, and its API's port."""
    management, api = free_port(), free_port()
    own = {
        **environment,
        "CHASSIS__MANAGEMENT__PORT": str(management),
        "CHASSIS__HTTP__PORT": str(api),
        "PYTHONPATH": os.pathsep.join([".", "src"]),
    }
    with log.open("ab") as output:
        arguments = [sys.executable, "-m", "chassis", *command]
        started = await asyncio.to_thread(subprocess.Popen, arguments, env=own, stdout=output, stderr=output)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{management}", timeout=5) as client:
            yield started, client, api
    finally:
        started.kill()
        started.wait()


async def answers(client: httpx.AsyncClient, path: str, status: int = 200, seconds: float = 20) -> httpx.Response:
    """Ask until the answer has this status."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                answer = await client.get(path)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    return await isolated_environment(environment, "management")


@pytest.mark.parametrize("name", PROCESSES)
async def test_every_process_answers_probes_and_prometheus_and_ends_when_asked(
    own: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    environment = as_role(own, "sealer") if name == "audit_keep" else own
    async with process(environment, tmp_path / "log", *PROCESSES[name]) as (running, client, _):
        assert (await answers(client, "/health/startup")).json() == {"status": "ok"}
        assert (await client.get("/health/live")).json() == {"status": "ok"}
        ready: dict[str, Any] = (await answers(client, "/health/ready")).json()
        assert ready["checks"]["database"] == "ok"
        deep: dict[str, Any] = (await answers(client, "/health/deep")).json()
        assert deep["checks"].keys() == DEEP[name]
        assert deep["checks"]["database"]["milliseconds"] > 0
        page = await client.get("/metrics")
        assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        metrics = {family.name: family for family in text_string_to_metric_families(page.text)}
        assert metrics["chassis_dependency_up"].samples[0].value == 1
        described = metrics["target_info"].samples[0].labels
        assert (described["service_name"], described["chassis_process"]) == ("management", name)
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post("/metrics")).status_code == 405
        running.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.wait, 15) in (0, -signal.SIGTERM), (tmp_path / "log").read_text()


async def test_the_api_tells_the_same_on_its_own_port(own: Mapping[str, str], tmp_path: Path) -> None:
    async with process(own, tmp_path / "log", "serve") as (_, client, port):
        await answers(client, "/health/startup")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
            for path in ("/health/live", "/health/startup", "/health/ready"):
                ours, theirs = await answers(api, path), await client.get(path)
                assert ours.json()["status"] == theirs.json()["status"] == "ok"
            assert (await api.get("/metrics")).status_code == 404
            assert (await api.get("/../../etc/passwd")).status_code == 404
        page = (await client.get("/metrics")).text
    [family] = [
        one for one in text_string_to_metric_families(page) if one.name == "http_server_request_duration_seconds"
    ]
    counts = {
        (sample.labels["http_route"], sample.labels["http_response_status_code"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_count")
    }
    assert counts["/health/ready", "200"] >= 1
    assert counts["", "404"] == 2, "what is no route has no label, or whoever guesses paths would make series"


@pytest.mark.parametrize("name", ["serve", "work"])
async def test_without_its_database_a_process_lives_and_is_not_ready(
    own: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    elsewhere = {**own, DATABASE_URL: NOWHERE.format(port=free_port())}
    async with process(elsewhere, tmp_path / "log", name) as (_, client, port):
        await answers(client, "/health/live")
        await answers(client, "/health/startup")
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "unavailable")
        deep = await answers(client, "/health/deep", 503)
        states = {name: check["status"] for name, check in deep.json()["checks"].items()}
        assert (states["database"], states["model"]) == ("unavailable", "unknown")
        assert "nowhere" not in deep.text
        if name == "serve":
            headers = {"Authorization": "Bearer dev:t:ada:admin"}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as api:
                theirs = await api.get("/health/deep")
            assert theirs.status_code == 503, "it answers when it matters: that is not written to the database first"
            assert theirs.json()["checks"].keys() == states.keys()
        assert (await client.get("/health/live")).status_code == 200


async def test_a_taken_port_is_one_sentence_and_exit_2(own: Mapping[str, str], tmp_path: Path) -> None:
    settings = ManagementSettings(port=0)
    with management_socket(settings) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match="CHASSIS__MANAGEMENT__PORT"),
            management_socket(ManagementSettings(port=port)),
        ):
            pytest.fail("two processes share a port")
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "chassis", "serve"],
            env={**own, "CHASSIS__MANAGEMENT__PORT": str(port), "PYTHONPATH": os.pathsep.join([".", "src"])},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert f"127.0.0.1:{port} cannot be had" in sentence


async def test_more_connections_than_probes_need_are_turned_away(own: Mapping[str, str], tmp_path: Path) -> None:
    async with process(own, tmp_path / "log", "serve") as (_, client, port):
        await answers(client, "/health/startup")
        with ExitStack() as held:
            for _ in range(150):
                held.enter_context(socket.create_connection(("127.0.0.1", client.base_url.port or 0)))
            await answers(client, "/health/live", 503)
        await answers(client, "/health/live")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
            assert (await api.get("/health/live")).status_code == 200
