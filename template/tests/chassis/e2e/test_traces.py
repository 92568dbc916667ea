"""One trace from the request through outbox, queue and worker to the model, the tool and what the tool calls."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from tests.support.isolation import isolated_environment
from tests.support.otlp_receiver import Receiver, Seen, receiver
from tests.support.traced_agent import ELSEWHERE, QUESTION, SLOW_SECONDS
from tests.support.worker_process import ended, worker_process

from chassis import selected
from chassis.dev.services import free_port

pytestmark = pytest.mark.slow
AGENT = "tests.support.traced_agent:TRACED"
# Who uses Redis where it was chosen: what tells the queue does in the API, what saves a step does in the worker.
REDIS = {
    *(["serve"] if ".redis:" in selected.DEV_QUEUE else []),
    *(["work"] if ".redis:" in selected.CHECKPOINTS else []),
}
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"Authorization": "Bearer dev:t-traces:ada:admin", "traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
BODY = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": QUESTION}]}}


class Elsewhere:
    """Another service, which notes who calls it."""

    def __init__(self) -> None:
        self.traceparents: list[str] = []
        seen = self.traceparents

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_given: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                seen.append(self.headers.get("traceparent", ""))
                self.send_response(200)
                self.send_header("content-length", "5")
                self.end_headers()
                self.wfile.write(b"sunny")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/weather?key=hunter2hunter2"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    service = Elsewhere()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def backend() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.fixture(scope="module")
async def own(environment: Mapping[str, str], elsewhere: Elsewhere) -> dict[str, str]:
    return {
        **await isolated_environment(environment, "traces"),
        "PYTHONPATH": os.pathsep.join([".", "src"]),
        ELSEWHERE: elsewhere.url,
    }


@asynccontextmanager
async def api_process(environment: Mapping[str, str], log: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the traced agent as a process, and give a client of a caller who has a trace already."""
    port = free_port()
    with log.open("ab") as output:
        process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-m", "tests.support.process", "serve", AGENT],
            env={**environment, "CHASSIS__HTTP__PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    with ended(process):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=60) as client:
            async with asyncio.timeout(60):
                while True:
                    try:
                        if (await client.get("/health/ready")).status_code == 200:
                            break
                    except httpx.TransportError:
                        pass
                    await asyncio.sleep(0.05)
            yield client


async def arrived(backend: Receiver, name: str, count: int = 1, seconds: float = 60) -> list[Seen]:
    """Wait until so many spans of this name are there."""
    async with asyncio.timeout(seconds):
        while len(backend.named(name)) < count:  # noqa: ASYNC110 - a thread takes them
            await asyncio.sleep(0.05)
    return backend.named(name)


def sent_to(environment: Mapping[str, str], backend: Receiver, **more: str) -> dict[str, str]:
    return {**environment, "CHASSIS__TELEMETRY_BACKEND__URL": backend.url, **more}


@pytest.mark.parametrize("background", [False, True], ids=["interactive", "background"])
async def test_one_trace_has_it_all(
    own: Mapping[str, str], backend: Receiver, elsewhere: Elsewhere, tmp_path: Path, background: bool
) -> None:
    environment = sent_to(own, backend)
    with worker_process(environment, tmp_path / "work", AGENT):
        async with api_process(environment, tmp_path / "serve") as client:
            if background:
                (await client.post("/runs", json=BODY)).raise_for_status()
                route = "POST /runs"
            else:
                answer = await client.post("/runs/wait", json=BODY)
                assert "sunny" in answer.raise_for_status().text
                route = "POST /runs/wait"
            [attempt] = await arrived(backend, "process agent")
            [request] = await arrived(backend, route)
    assert request.trace_id == CALLER, "the caller's trace goes on"
    assert {span.trace_id for span in backend.spans} == {CALLER}, "nothing else makes traces, idle workers least of all"
    assert (request.kind, request.process, request.attributes["http.route"]) == ("server", "serve", route.split()[1])
    published = backend.child_of(request, "publish job")
    assert (published.kind, published.process) == ("producer", "serve")
    assert (attempt.parent_id, attempt.kind, attempt.process) == (request.span_id, "consumer", "work")
    assert attempt.attributes["chassis.job.outcome"] == "success"
    agent = backend.child_of(attempt, "invoke_agent agent")
    chats = [span for span in backend.trace(CALLER) if span.name.startswith("chat ")]
    assert len(chats) == 2, "a call of the model decides for the tool, another one answers"
    [tool] = [span for span in backend.trace(CALLER) if span.name == "execute_tool look_up_weather"]
    assert ancestors(backend, tool) >= {agent.span_id, attempt.span_id}
    [called] = [span for span in backend.trace(CALLER) if span.kind == "client" and span.parent_id == tool.span_id]
    assert called.attributes["http.request.method"] == "GET"
    assert elsewhere.traceparents[-1] == f"00-{CALLER}-{called.span_id}-01", "it goes on at the other service"
    statements = [span for span in backend.trace(CALLER) if span.attributes.get("db.system.name") == "postgresql"]
    assert {span.process for span in statements} == {"serve", "work"}
    commands = [span for span in backend.trace(CALLER) if span.attributes.get("db.system.name") == "redis"]
    assert {span.process for span in commands} == REDIS
    for span in commands:
        assert re.fullmatch(r"[A-Z]+( \?)*(\n[A-Z]+( \?)*)*", span.attributes["db.query.text"]), span
        assert "traces:" not in span.text, "no key"
    everything = " ".join(span.text for span in backend.spans)
    assert QUESTION not in everything, "prompts are no part of a trace unless somebody asks for it"
    assert "sunny" not in everything
    assert "hunter2" not in everything


def ancestors(backend: Receiver, span: Seen) -> set[str]:
    """Give the ids of all spans above one."""
    by_id = {one.span_id: one for one in backend.trace(span.trace_id)}
    found: set[str] = set()
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        found.add(span.span_id)
    return found


async def test_content_is_recorded_when_asked_for_and_then_redacted(
    own: Mapping[str, str], backend: Receiver, tmp_path: Path
) -> None:
    environment = sent_to(own, backend, CHASSIS__TELEMETRY__CONTENT="true")
    with worker_process(environment, tmp_path / "work", AGENT):
        async with api_process(environment, tmp_path / "serve") as client:
            (await client.post("/runs/wait", json=BODY)).raise_for_status()
            await arrived(backend, "process agent")
    everything = " ".join(span.text for span in backend.spans)
    assert QUESTION in everything
    assert "[e-mail]" in everything
    assert "ada@example.com" not in everything


async def test_the_attempt_after_a_kill_is_linked_to_the_one_before(
    own: Mapping[str, str], backend: Receiver, tmp_path: Path
) -> None:
    environment = sent_to(own, backend, CHASSIS__SERVICE__LOG_LEVEL="info")
    slow = {**environment, SLOW_SECONDS: "60"}
    log = tmp_path / "killed"
    async with api_process(environment, tmp_path / "serve") as client:
        with worker_process(slow, log, AGENT) as killed:
            (await client.post("/runs", json=BODY)).raise_for_status()
            await arrived(backend, "invoke_agent agent", 0)
            async with asyncio.timeout(60):
                while not [span for span in backend.spans if span.name.startswith("chat ")]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            killed.send_signal(signal.SIGKILL)
        with worker_process(environment, tmp_path / "work", AGENT):
            [attempt] = await arrived(backend, "process agent", seconds=30)
    [request] = backend.named("POST /runs")
    assert (attempt.trace_id, attempt.parent_id) == (CALLER, request.span_id)
    assert attempt.attributes["chassis.job.attempt"] == 2
    [(trace_id, span_id)] = attempt.links
    assert trace_id == CALLER
    # The first attempt's own span died with it. What was below it has arrived, and names it as its ancestor.
    orphans = {span.parent_id for span in backend.trace(CALLER) if span.process == "work"}
    assert span_id in orphans
    assert span_id != attempt.span_id


async def test_log_lines_name_their_trace(own: Mapping[str, str], backend: Receiver, tmp_path: Path) -> None:
    environment = sent_to(own, backend)
    with worker_process(environment, tmp_path / "work", AGENT):
        async with api_process(environment, tmp_path / "serve") as client:
            (await client.post("/runs/wait", json=BODY)).raise_for_status()
            [attempt] = await arrived(backend, "process agent")
    lines = {name: parsed(tmp_path / name) for name in ("work", "serve")}
    [ending] = [line for line in lines["work"] if line["event"] == "job.ended"]
    assert (ending["trace_id"], ending["span_id"]) == (CALLER, attempt.span_id)
    requests = [line for line in lines["serve"] if line["event"] == "http.request" and line["route"] == "/runs/wait"]
    assert [line["trace_id"] for line in requests] == [CALLER]


def parsed(log: Path) -> list[dict[str, Any]]:
    """Read a log: one event a line, each a JSON object."""
    return [json.loads(line) for line in log.read_text().splitlines()]
