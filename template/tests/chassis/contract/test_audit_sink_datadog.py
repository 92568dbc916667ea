"""The Datadog sink's own behaviour, and its laptop's intake compared with "Send logs",
docs.datadoghq.com/api/latest/logs/send-logs: limits, statuses, and what happens to logs beyond the limits.
"""

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.audit_sink import event
from tests.support.audit_sink._http import HttpCollector
from tests.support.audit_sink.datadog import intake as open_intake

from chassis.adapters.audit_sink.datadog import DatadogSink, open_audit_sink
from chassis.dev.audit_sink.datadog import Collector
from chassis.dev.collector import Kept, Request

KEY = "0123456789abcdef0123456789abcdef"
DOCUMENTED: dict[str, tuple[dict[str, str], str, int]] = {
    "accepted": ({"dd-api-key": KEY}, '[{"message":"a"}]', 202),
    "one log": ({"dd-api-key": KEY}, '{"message":"a"}', 202),
    "payload formatting": ({"dd-api-key": KEY}, "[", 400),
    "missing API key": ({}, '[{"message":"a"}]', 401),
    "invalid API key": ({"dd-api-key": "other"}, '[{"message":"a"}]', 403),
    "above 5 MB": ({"dd-api-key": KEY}, json.dumps([{"message": "x" * 999_000}] * 6), 413),
    "more than 1000 entries": ({"dd-api-key": KEY}, json.dumps([{"message": "a"}] * 1001), 400),
}


def post(collector: Collector, headers: dict[str, str], body: str) -> tuple[int, Any]:
    answer = collector.answer(Request("POST", "/api/v2/logs", {}, headers, body.encode()))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_laptops_intake_answers_as_documented(name: str) -> None:
    headers, body, status = DOCUMENTED[name]
    kept: list[Kept] = []
    found, said = post(Collector(kept.extend, KEY), headers, body)
    assert found == status
    assert len(kept) == (status == 202)
    assert said == {} if status == 202 else said["errors"][0]["status"] == str(status)


def test_a_log_above_a_megabyte_is_cut_and_answered_with_success() -> None:
    kept: list[Kept] = []
    logs = [{"message": "x" * 1_500_000}, {"message": "whole"}]
    assert post(Collector(kept.extend), {}, json.dumps(logs))[0] == 202
    assert 999_000 < len(kept[0].body["message"]) < 1_000_000
    assert kept[1].body == {"message": "whole"}


def test_a_timestamp_of_more_than_eighteen_hours_ago_is_not_taken_though_answered_with_success() -> None:
    kept: list[Kept] = []
    now = time.time()
    logs = [{"message": f'{{"hours":{hours}}}', "timestamp": int((now - hours * 3600) * 1000)} for hours in (17, 19)]
    assert post(Collector(kept.extend), {}, json.dumps(logs))[0] == 202
    assert [record.body for record in kept] == [{"hours": 17}]


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with open_intake(tmp_path, monkeypatch) as opened:
        yield opened


async def test_a_log_says_whose_it_is_and_has_the_record_as_its_message(intake: HttpCollector) -> None:
    async with open_audit_sink(intake.settings, intake.context) as sink:
        await sink.ship([record := event(1)])
    [log] = json.loads(intake.seen[0].body)
    assert json.loads(log.pop("message")) == record.body
    assert log == {
        "ddsource": "chassis",
        "service": "contract",
        "ddtags": "env:test",
        "event_uid": record.uid,
        "timestamp": int(record.time.timestamp() * 1000),
    }


@pytest.mark.parametrize(("hours", "stamped"), [(0, True), (16.9, True), (17.1, False), (24 * 365, False)])
async def test_an_old_log_is_filed_under_its_arrival(intake: HttpCollector, hours: float, stamped: bool) -> None:
    record = event(1)
    async with open_audit_sink(intake.settings, intake.context) as sink:
        assert isinstance(sink, DatadogSink)
        sink._clock = lambda: record.time + dt.timedelta(hours=hours)
        await sink.ship([record])
    [log] = json.loads(intake.seen[0].body)
    assert ("timestamp" in log) is stamped
