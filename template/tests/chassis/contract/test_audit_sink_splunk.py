"""The Splunk sink's own behaviour, and its laptop's collector compared with Splunk's documents.

Codes: "Troubleshoot HTTP Event Collector", table "Possible error codes". Acknowledgements: "About HTTP Event Collector
Indexer Acknowledgment". Both help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data. That a status is told
once: rfcs/2021-10-29-9465-splunk-hec-indexer-acknowledgements.md of github.com/vectordotdev/vector, observed on Splunk 7.3.2.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.support.audit_sink import event
from tests.support.audit_sink.splunk import SplunkCollector
from tests.support.audit_sink.splunk import collector as open_splunk

from chassis.adapters.audit_sink.splunk import open_audit_sink
from chassis.dev.audit_sink.splunk import Collector
from chassis.dev.collector import Kept, Request, in_json
from chassis.ports.errors import UnavailableError

TOKEN = "B5A79AAD-D822-46CC-80D1-819F80D7BFB0"
GOOD = {"Authorization": f"Splunk {TOKEN}", "X-Splunk-Request-Channel": "FE0ECFAD-13D5-401B-847D-77833BD77131"}
WITHOUT = {"Authorization": f"Splunk {TOKEN}"}
DOCUMENTED: dict[str, tuple[dict[str, str], str, tuple[int, dict[str, Any]]]] = {
    "success": (GOOD, '{"event":"a"}{"event":"b"}', (200, {"text": "Success", "code": 0, "ackId": 0})),
    "no token": ({}, '{"event":"a"}', (401, {"text": "Token is required", "code": 2})),
    "basic": ({"Authorization": "Basic eDp5"}, '{"event":"a"}', (401, {"text": "Invalid authorization", "code": 3})),
    "wrong": ({"Authorization": "Splunk other"}, '{"event":"a"}', (403, {"text": "Invalid token", "code": 4})),
    "no data": (GOOD, "", (400, {"text": "No data", "code": 5})),
    "no JSON": (GOOD, "hello", (400, {"text": "Invalid data format", "code": 6, "invalid-event-number": 0})),
    "no channel": (WITHOUT, '{"event":"a"}', (400, {"text": "Data channel is missing", "code": 10})),
    "bad channel": (
        {**GOOD, "X-Splunk-Request-Channel": "mine"},
        '{"event":"a"}',
        (400, {"text": "Invalid data channel", "code": 11}),
    ),
    "no event": (
        GOOD,
        '{"event":"a"} {"sourcetype":"b"}',
        (400, {"text": "Event field is required", "code": 12, "invalid-event-number": 1}),
    ),
    "blank event": (
        GOOD,
        '{"event":""}',
        (400, {"text": "Event field cannot be blank", "code": 13, "invalid-event-number": 0}),
    ),
    "nested fields": (
        GOOD,
        '{"event":"a","fields":{"a":{"b":1}}}',
        (400, {"text": "Error in handling indexed fields", "code": 15, "invalid-event-number": 0}),
    ),
}


def ask(collector: Collector, path: str, headers: dict[str, str], body: str) -> tuple[int, dict[str, Any]]:
    lower = {name.lower(): value for name, value in headers.items()}
    answer = collector.answer(Request("POST", path, {}, lower, body.encode()))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_laptops_collector_answers_as_documented(name: str) -> None:
    headers, body, expected = DOCUMENTED[name]
    kept: list[Kept] = []
    assert ask(Collector(kept.extend, TOKEN), "/services/collector/event", headers, body) == expected
    assert len(kept) == {"success": 2, "no event": 1}.get(name, 0), "those before an invalid one are taken"


def test_an_acknowledgement_is_told_once_and_counted_by_channel() -> None:
    collector = Collector(lambda _: None, TOKEN)
    other = {**GOOD, "X-Splunk-Request-Channel": str(uuid4())}
    for number in (0, 1):
        assert ask(collector, "/services/collector/event", GOOD, '{"event":"a"}')[1]["ackId"] == number
    assert ask(collector, "/services/collector/event", other, '{"event":"a"}')[1]["ackId"] == 0
    question = '{"acks":[0,1,7]}'
    told = ask(collector, "/services/collector/ack", GOOD, question)
    assert told == (200, {"acks": {"0": True, "1": True, "7": False}})
    again = ask(collector, "/services/collector/ack", GOOD, question)
    assert again == (200, {"acks": {"0": False, "1": False, "7": False}})


def test_without_acknowledgement_there_is_nothing_to_ask() -> None:
    collector = Collector(lambda _: None, TOKEN, acknowledges=False)
    taken = ask(collector, "/services/collector/event", WITHOUT, '{"event":"a"}')
    assert taken == (200, {"text": "Success", "code": 0})
    asked = ask(collector, "/services/collector/ack", GOOD, '{"acks":[0]}')
    assert asked == (400, {"text": "ACK is disabled", "code": 14})


@pytest.fixture
def splunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with open_splunk(True, tmp_path, monkeypatch) as opened:
        yield opened


async def test_what_was_taken_and_not_indexed_is_not_confirmed(splunk: SplunkCollector) -> None:
    async with open_audit_sink(splunk.settings, splunk.context) as sink:
        splunk.indexes_nothing()
        with pytest.raises(UnavailableError, match="did not index the events within 1 s"):
            await sink.ship([event(1)])
        splunk.vendor.indexes = True
        await sink.ship([event(1)])
    assert [record.uid for record in splunk.received] == [event(1).uid] * 2


async def test_a_token_without_acknowledgement_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_splunk(False, tmp_path, monkeypatch) as collector:
        settings = collector.settings.model_copy(update={"acknowledge": True})
        async with open_audit_sink(settings, collector.context) as sink:
            with pytest.raises(UnavailableError, match=r"or set audit_sink.acknowledge to false\.$"):
                await sink.ship([event(1)])


async def test_a_code_other_than_success_confirms_nothing_whatever_the_status(splunk: SplunkCollector) -> None:
    said = in_json(200, {"text": "Internal server error", "code": 8, "ackId": 0})
    async with open_audit_sink(splunk.settings, splunk.context) as sink:
        with splunk.fault(lambda _: said), pytest.raises(UnavailableError, match="though it answered 200"):
            await sink.ship([event(1)])


async def test_an_event_says_when_where_and_what_it_is(splunk: SplunkCollector) -> None:
    async with open_audit_sink(splunk.settings, splunk.context) as sink:
        await sink.ship([record := event(1)])
    sent = json.loads(splunk.seen[0].body)
    assert sent.pop("event") == record.body
    assert sent == {
        "time": record.time.timestamp(),
        "source": "contract",
        "sourcetype": "_json",
        "index": "audit",
        "fields": {"uid": record.uid},
    }
    channels = {UUID(request.headers["x-splunk-request-channel"]) for request in splunk.seen}
    assert len(channels) == 1


def test_the_collector_is_reached_over_http(splunk: SplunkCollector) -> None:
    assert httpx.get(f"{splunk.url}/services/collector/event").status_code == 404
