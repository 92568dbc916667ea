"""A Prometheus that has scraped a service at work has an answer to every query of every panel.

What happens there: runs of three tenants that succeed, fail and are slow, a worker that is killed with a run, requests that are
wrong, and a model that costs money, after some time in which nobody knew how much. With PANELS=file the answers are written there,
and with PANELS_SECONDS the service goes on working for so long: that is what the pictures in the documentation are drawn from.
"""

import asyncio
import base64
import itertools
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.courier_agent import FIND, SLOW_SECONDS, TRACK, WEIGH
from tests.support.dashboards import boards, queries, variables
from tests.support.isolation import isolated_environment
from tests.support.prometheus import Prometheus, prometheus
from tests.support.scraped_process import start

from chassis.dev.environment import as_role
from chassis.dev.services import free_port

pytestmark = pytest.mark.slow
AGENT = "tests.support.courier_agent:COURIER"
TENANTS = ("north", "south", "west")
PRICES = {"local-planner-1": {"input": 200, "output": 800}}
ADAPTERS = Path("src/chassis/adapters")
POINTS = 120

EMPTY: dict[tuple[str, str, str], str] = {}
"""What stays without data, and why. What is here and has data is as wrong as what is not here and has none."""
IN_VARIABLES = (ADAPTERS / "secret_backend/env.py").exists()
if (ADAPTERS / "queue/database.py").exists():
    EMPTY["queue", "Jobs", "B"] = "this queue has no broker"
if not IN_VARIABLES:
    for title in ("Secrets, age of what is used", "Secrets, failed reads"):
        EMPTY["service", title, "A"] = "the settings of this run name no secret: nobody has put one into this backend"


@dataclass(frozen=True)
class Worked:
    """Prometheus after the service has worked, and since when it has scraped."""

    prometheus: Prometheus
    began: float

    @property
    def seconds(self) -> float:
        return time.time() - self.began


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str]) -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    secret = {"CHASSIS__AUDIT__SIGNING_KEY": "secret://panels", "CHASSIS_SECRET_PANELS": key} if IN_VARIABLES else {}
    return {
        **await isolated_environment(environment, "panels"),
        "PYTHONPATH": os.pathsep.join([".", "src"]),
        "CHASSIS__TELEMETRY__MEASURE_SECONDS": "0.5",
        "CHASSIS__RUNS__LEASE_SECONDS": "10",  # with the tests' two a busy machine sweeps what is alive
        "CHASSIS__TELEMETRY__PRICES": json.dumps(PRICES),
        **secret,
    }


@pytest.fixture(scope="module")
async def worked(own: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worked]:
    folder = tmp_path_factory.mktemp("panels")
    targets = {name: free_port() for name in ("serve", "work-1", "work-2", "keep")}
    test = ("-m", "tests.support.process")
    async with AsyncExitStack() as stack:
        scraping = await stack.enter_async_context(prometheus(folder, targets))
        began = time.time()
        keeper = as_role(own, "sealer")
        await start(stack, keeper, folder / "keep", "-m", "chassis", "audit", "keep", management=targets["keep"])
        serve = await start(stack, own, folder / "serve", *test, "serve", AGENT, management=targets["serve"])
        unpriced = {**own, "CHASSIS__TELEMETRY__PRICES": "{}", SLOW_SECONDS: "60"}
        first = await start(stack, unpriced, folder / "work-1", *test, "work", AGENT, management=targets["work-1"])
        url = f"http://127.0.0.1:{serve.port}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as api:
            await scraping.scraped()
            await ask(api, "north", FIND)
            await scraping.scraped()
            run = (await ask(api, "north", TRACK, "/runs")).json()
            await scraping.until('chassis_queue_jobs{state="running"} == 1')
            await start(stack, own, folder / "work-2", *test, "work", AGENT, management=targets["work-2"])
            await scraping.scraped()
            first.process.kill()
            await scraping.until("chassis_job_swept_total > 0")
            await api.get(f"/threads/{run['thread_id']}/runs/{run['run_id']}/join", headers=caller("north"))
            until = time.time() + float(os.environ.get("PANELS_SECONDS", "0"))
            for number in itertools.count():
                await work(api, number)
                await scraping.scraped()
                if number and time.time() >= until:
                    break
        yield Worked(scraping, began)


def caller(tenant: str) -> dict[str, str]:
    return {"Authorization": f"Bearer dev:{tenant}:ada:admin"}


async def ask(api: httpx.AsyncClient, tenant: str, question: str, where: str = "/runs/wait") -> httpx.Response:
    body = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": question}]}}
    return await api.post(where, json=body, headers=caller(tenant))


async def work(api: httpx.AsyncClient, number: int) -> None:
    """Let the service work a little: runs of all tenants at once, requests, and requests that are wrong."""
    questions = [(tenant, question) for tenant in TENANTS for question in (FIND, TRACK)]
    often = [(TENANTS[0], FIND)] * (number % 7)
    await asyncio.gather(*(ask(api, *one) for one in [*questions, *often, (TENANTS[0], WEIGH)]))
    await api.get("/sample/failure", headers=caller(TENANTS[0]))
    for tenant in TENANTS:
        await api.post("/threads/search", json={}, headers=caller(tenant))


async def test_every_query_of_every_panel_has_an_answer_but_those_that_cannot(worked: Worked) -> None:
    found = {
        query.place: query.missing(await worked.prometheus.now(query.filled(worked.seconds))) for query in queries()
    }
    without = {place: what for place, what in found.items() if what}
    assert {place: what for place, what in without.items() if place not in EMPTY} == {}
    assert {place: reason for place, reason in EMPTY.items() if place not in without} == {}, "has data, or is no query"


async def test_every_dashboard_finds_the_services_to_choose_from(worked: Worked) -> None:
    asked = list(variables())
    assert {board for board, _, _ in asked} == set(boards())
    for board, series, label in asked:
        found = await worked.prometheus.ask(f"label/{label}/values", **{"match[]": series})
        assert found == ["panels"], board


async def test_the_figures_shown_are_those_of_what_happened(worked: Worked) -> None:
    shown = {query.place: query.filled(worked.seconds) for query in queries()}

    async def by(label: str, *place: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in await worked.prometheus.now(shown[place[0], place[1], place[2]]):
            name = one["metric"].get(label, "")
            found[name] = found.get(name, 0) + float(one["value"][1])
        return found

    assert set(await by("tenant", "cost", "US dollars in the time shown, by tenant", "A")) == set(TENANTS)
    assert all(
        value > 0 for value in (await by("tenant", "cost", "US dollars in the time shown, by tenant", "A")).values()
    )
    slowest = await by("tool", "agent", "Tools, p95", "A")
    assert slowest.keys() == {"find_parcel", "track_vehicle", "weigh_freight"}
    assert slowest["track_vehicle"] > 1, "it takes a second"
    unknown = await by("reason", "cost", "Calls whose cost is not known", "A")
    assert (unknown["no_price"] > 1, unknown["no_usage"]) == (True, 0)
    swept = await by("status", "queue", "Swept after silent workers", "A")
    assert (swept.get("pending", 0) > 0.9, swept.get("dead")) == (True, 0), "the first of all is seen, too"
    assert await by("", "queue", "Publishes that failed", "A") == {"": 0}
    assert (await by("outcome", "agent", "Calls of tools", "A")).keys() == {"success", "error"}


async def test_the_answers_are_kept_for_whoever_draws_them(worked: Worked, tmp_path: Path) -> None:
    """Over the whole time, as the panels show them; where PANELS names a file, in it."""
    end = time.time()
    step = max((end - worked.began) / POINTS, 1)
    answers = [
        {"board": query.board, "panel": query.panel, "ref": query.ref, "legend": query.legend, "unit": query.unit}
        | {"series": await worked.prometheus.over(query.filled(worked.seconds), worked.began, end, step)}
        for query in queries()
    ]
    write(tmp_path, {"began": worked.began, "ended": end, "answers": answers})
    assert {one["board"] for one in answers if one["series"]} == set(boards())


def write(folder: Path, answers: dict[str, Any]) -> None:
    Path(os.environ.get("PANELS", str(folder / "panels.json"))).write_text(json.dumps(answers))
