"""What Prometheus reads from the processes of a service that has worked: every metric that is declared, and no other."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from tests.support.figures import emitted, samples
from tests.support.isolation import isolated_environment
from tests.support.traced_agent import ELSEWHERE, QUESTION, SLOW_SECONDS
from tests.support.worker_process import ended

from chassis.dev.environment import as_role
from chassis.dev.services import free_port

pytestmark = pytest.mark.slow
AGENT = "tests.support.traced_agent:TRACED"
HEADERS = {"Authorization": "Bearer dev:t-figures:ada:admin"}
BODY = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": QUESTION}]}}
# What needs something to go wrong, or a broker; tests of their own show the first.
NOT_HERE = {
    "chassis_job_swept_total",
    "chassis_queue_publish_failures_total",
    "chassis_queue_messages",
    "chassis_secret_read_failures_total",
    "chassis_model_unpriced_total",
    "chassis_secret_age_seconds",
}
Page = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        **await isolated_environment(environment, "figures"),
        "PYTHONPATH": os.pathsep.join([".", "src"]),
        ELSEWHERE: f"http://127.0.0.1:{free_port()}/",  # where nobody is, so that the tool fails
        "CHASSIS__TELEMETRY__MEASURE_SECONDS": "0.5",
        SLOW_SECONDS: "3",
    }


async def start(
    stack: AsyncExitStack, environment: Mapping[str, str], log: Path, *command: str
) -> tuple[httpx.AsyncClient, int, subprocess.Popen[bytes]]:
    """Run a process until the context ends; give its management port's client and its API's port."""
    management, port = free_port(), free_port()
    own = {**environment, "CHASSIS__MANAGEMENT__PORT": str(management), "CHASSIS__HTTP__PORT": str(port)}
    output = stack.enter_context(log.open("ab"))
    process = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, *command], env=own, stdout=output, stderr=output
    )
    stack.enter_context(ended(process))
    # A connection each: uvicorn closes one that was idle for 5 s, perhaps at the moment in which it is used again.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{management}", timeout=30, limits=limits)
    )
    async with asyncio.timeout(90):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return client, port, process
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def pages(own: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Page]]:
    """The pages of the three processes of a service, after a run, one that failed, and some requests."""
    folder = tmp_path_factory.mktemp("figures")
    test = "tests.support.process"
    async with AsyncExitStack() as stack:
        work, _, _ = await start(stack, own, folder / "work", "-m", test, "work", AGENT)
        serve, port, _ = await start(stack, own, folder / "serve", "-m", test, "serve", AGENT)
        keep, _, _ = await start(stack, as_role(own, "sealer"), folder / "keep", "-m", "chassis", "audit", "keep")
        api = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=60)
        async with api:
            await api.post("/runs/wait", json=BODY)
            await api.get(f"/{'x' * 20}")
            following = asyncio.create_task(api.post("/runs/wait", json=BODY))
            await asyncio.sleep(1)
            waiting = samples((await serve.get("/metrics")).text)
            await following
        await asyncio.sleep(1.5)
        processes = {"serve": serve, "work": work, "keep": keep}
        found = {name: samples((await client.get("/metrics")).text) for name, client in processes.items()}
        found["waiting"] = waiting
        yield found


def total(page: Page, name: str, **labels: str) -> float:
    return sum(value for given, value in page.get(name, ()) if labels.items() <= given.items())


def test_every_metric_that_is_declared_is_emitted_and_no_other_and_no_other_label(pages: dict[str, Page]) -> None:
    declared = emitted()
    seen: dict[str, set[str]] = {}
    for page in pages.values():
        for name, found in page.items():
            if name.startswith(("chassis_", "http_server_", "db_client_connection_")):
                seen.setdefault(name, set()).update(*(labels for labels, _ in found))
    assert set(declared) - set(seen) <= NOT_HERE
    unknown = {name: labels - declared.get(name, frozenset()) for name, labels in seen.items()}
    assert {name: labels for name, labels in unknown.items() if labels or name not in declared} == {}


def test_the_figures_are_those_of_what_happened(pages: dict[str, Page]) -> None:
    serve, work, keep = pages["serve"], pages["work"], pages["keep"]
    assert total(serve, "chassis_job_accepted_total", kind="agent") == 2
    assert total(work, "chassis_job_wait_seconds_count", kind="agent") == 2
    assert total(work, "chassis_job_duration_seconds_count", kind="agent") == 2
    assert total(work, "chassis_tool_duration_seconds_count", tool="look_up_weather", outcome="error") == 2
    assert total(work, "chassis_model_tokens_total", tenant="t-figures", type="input") > 0
    assert total(work, "chassis_model_cost_total") == 0, "the local model is free"
    assert total(work, "chassis_queue_jobs", state="running") == 0
    assert total(work, "chassis_worker_slots") == 10
    assert total(keep, "chassis_audit_limit") == 100_000
    assert total(pages["waiting"], "chassis_stream_clients") >= 1
    assert total(serve, "chassis_stream_clients") == 0
    assert total(serve, "http_server_request_duration_seconds_count", http_route="/runs/wait") == 2
    assert total(serve, "db_client_connection_max") == 10


def test_no_label_is_made_up_by_a_caller(pages: dict[str, Page]) -> None:
    text = repr(pages)
    assert "xxxxx" not in text
    assert QUESTION not in text
