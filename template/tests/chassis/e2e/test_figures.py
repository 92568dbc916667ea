"""What Prometheus reads from the processes of a service that has worked: every metric that is declared, and no other."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx
import pytest
from tests.support.figures import emitted, samples
from tests.support.isolation import isolated_environment
from tests.support.scraped_process import start
from tests.support.traced_agent import ELSEWHERE, QUESTION, SLOW_SECONDS

from chassis.dev.environment import as_role
from chassis.dev.services import free_port

pytestmark = pytest.mark.slow
AGENT = "tests.support.traced_agent:TRACED"
HEADERS = {"Authorization": "Bearer dev:t-figures:ada:admin"}
BODY = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": QUESTION}]}}
# What needs something to go wrong, or a broker; tests of their own show the first.
NOT_HERE = {
    "chassis_queue_messages",
    "chassis_secret_read_failures_total",
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


@pytest.fixture(scope="module")
async def pages(own: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Page]]:
    """The pages of the three processes of a service, after a run, one that failed, and some requests."""
    folder = tmp_path_factory.mktemp("figures")
    test = "tests.support.process"
    async with AsyncExitStack() as stack:
        work = await start(stack, own, folder / "work", "-m", test, "work", AGENT)
        serve = await start(stack, own, folder / "serve", "-m", test, "serve", AGENT)
        keep = await start(stack, as_role(own, "sealer"), folder / "keep", "-m", "chassis", "audit", "keep")
        api = httpx.AsyncClient(base_url=f"http://127.0.0.1:{serve.port}", headers=HEADERS, timeout=60)
        async with api:
            await api.post("/runs/wait", json=BODY)
            await api.get(f"/{'x' * 20}")
            following = asyncio.create_task(api.post("/runs/wait", json=BODY))
            await asyncio.sleep(1)
            waiting = samples((await serve.management.get("/metrics")).text)
            await following
        await asyncio.sleep(1.5)
        processes = {"serve": serve.management, "work": work.management, "keep": keep.management}
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
