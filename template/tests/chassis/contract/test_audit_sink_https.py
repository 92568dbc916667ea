"""The sink for JSON over HTTPS: what a collector gets to see."""

import json
from pathlib import Path

import pytest
from tests.support.audit_sink import event
from tests.support.audit_sink.https import BOUNDS
from tests.support.audit_sink.https import collector as open_https

from chassis.adapters.audit_sink.https import open_audit_sink
from chassis.dev.audit_sink.https import Collector
from chassis.dev.collector import Kept, Request

LINES = {"content-type": "application/x-ndjson", "authorization": "Bearer t"}
ARRAY = {"content-type": "application/json", "authorization": "Bearer t"}
BODY = json.dumps(event(1).body).encode()


async def test_lines_are_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_https("lines", tmp_path, monkeypatch) as collector:
        async with open_audit_sink(collector.settings, collector.context) as sink:
            await sink.ship([event(1), event(2)])
    [request] = collector.seen
    assert request.headers["content-type"] == "application/x-ndjson"
    assert (request.method, request.path, request.body.count(b"\n")) == ("POST", "/audit", 2)


async def test_an_array_is_an_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_https("array", tmp_path, monkeypatch) as collector:
        async with open_audit_sink(collector.settings, collector.context) as sink:
            await sink.ship([event(1), event(2)])
    [request] = collector.seen
    assert request.headers["content-type"] == "application/json"
    assert [record["metadata"]["sequence"] for record in json.loads(request.body)] == [1, 2]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (LINES, BODY + b"\n" + BODY + b"\n", 204),
        (ARRAY, b"[" + BODY + b"]", 204),
        ({**LINES, "authorization": "Bearer other"}, BODY, 401),
        (LINES, b"{", 400),
        (LINES, b'{"no":"id"}', 400),
        (LINES, b"x" * (BOUNDS.call_bytes + 1), 413),
        (LINES, (BODY + b"\n") * (BOUNDS.records + 1), 413),
    ],
)
def test_the_laptops_collector_is_strict(headers: dict[str, str], body: bytes, status: int) -> None:
    kept: list[Kept] = []
    collector = Collector(kept.extend, "t", BOUNDS.records, BOUNDS.call_bytes)
    assert collector.answer(Request("POST", "/", {}, headers, body)).status == status
    assert bool(kept) is (status == 204)
    assert collector.answer(Request("GET", "/", {}, headers, b"")).status == 405
