"""The OTLP sink's own behaviour, and its laptop's receiver compared with "OTLP Specification", "OTLP/HTTP",
opentelemetry.io/docs/specs/otlp.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from tests.support.audit_sink import event
from tests.support.audit_sink.otlp import OtlpCollector
from tests.support.audit_sink.otlp import receiver as open_receiver

from chassis.adapters.audit_sink.otlp import open_audit_sink
from chassis.dev.audit_sink.otlp import Collector
from chassis.dev.collector import Answer, Kept, Request
from chassis.ports.errors import UnavailableError

PROTOBUF = "application/x-protobuf"
DOCUMENTED: dict[str, tuple[str, dict[str, str], bytes, int]] = {
    "an empty request": ("/v1/logs", {"content-type": PROTOBUF}, b"", 200),
    "data that cannot be decoded": ("/v1/logs", {"content-type": PROTOBUF}, b"\xff\xff", 400),
    "another path": ("/v1/traces", {"content-type": PROTOBUF}, b"", 404),
    "more than the limit": ("/v1/logs", {"content-type": PROTOBUF}, b"x" * (20 * 2**20 + 1), 413),
    "another encoding": ("/v1/logs", {"content-type": "text/plain"}, b"", 415),
}


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpCollector]:
    with open_receiver(tmp_path, monkeypatch) as opened:
        assert isinstance(opened, OtlpCollector)
        yield opened


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_laptops_receiver_answers_as_specified(name: str) -> None:
    path, headers, body, status = DOCUMENTED[name]
    assert Collector(lambda _: None).answer(Request("POST", path, {}, headers, body)).status == status


async def test_a_part_that_is_rejected_is_counted_in_a_success(receiver: OtlpCollector) -> None:
    async with open_audit_sink(receiver.settings, receiver.context) as sink:
        await sink.ship([event(1), event(2), event(3)])
    kept: list[Kept] = []
    collector = Collector(kept.extend)
    collector.takes = 1
    answer = collector.answer(Request("POST", "/v1/logs", {}, {"content-type": PROTOBUF}, receiver.seen[0].body))
    said = ExportLogsServiceResponse.FromString(answer.body)
    assert (answer.status, answer.headers["Content-Type"]) == (200, PROTOBUF)
    assert (said.partial_success.rejected_log_records, len(kept)) == (2, 1)
    collector.takes = None
    whole = collector.answer(Request("POST", "/v1/logs", {}, {"content-type": PROTOBUF}, receiver.seen[0].body))
    assert not ExportLogsServiceResponse.FromString(whole.body).HasField("partial_success"), "it must be left unset"


async def test_the_rejected_are_counted_in_the_error(receiver: OtlpCollector) -> None:
    async with open_audit_sink(receiver.settings, receiver.context) as sink:
        with receiver.takes_a_part(), pytest.raises(UnavailableError, match="rejected 1 of the records"):
            await sink.ship([event(1), event(2)])


async def test_a_warning_in_a_success_is_no_failure(receiver: OtlpCollector) -> None:
    said = ExportLogsServiceResponse()
    said.partial_success.error_message = "use another port"
    answer = Answer(200, said.SerializeToString(), {"Content-Type": PROTOBUF})
    async with open_audit_sink(receiver.settings, receiver.context) as sink:
        with receiver.fault(lambda _: answer):
            await sink.ship([event(1)])
        with receiver.fault(lambda _: Answer(204)):
            await sink.ship([event(2)])
    assert receiver.requests == 2


@pytest.mark.parametrize(
    "answer",
    [Answer(200), Answer(200, b"", {"Content-Type": "text/plain"}), Answer(200, b"\xff", {"Content-Type": PROTOBUF})],
)
async def test_a_success_in_another_encoding_confirms_nothing(receiver: OtlpCollector, answer: Answer) -> None:
    async with open_audit_sink(receiver.settings, receiver.context) as sink:
        with receiver.fault(lambda _: answer), pytest.raises(UnavailableError, match="something else than Protobuf"):
            await sink.ship([event(1)])


async def test_a_record_says_when_whose_and_how_severe(receiver: OtlpCollector) -> None:
    good, bad = event(1), event(2)
    bad.body["status_id"] = 2
    async with open_audit_sink(receiver.settings, receiver.context) as sink:
        await sink.ship([good, bad])
    sent = ExportLogsServiceRequest.FromString(receiver.seen[0].body)
    [resource] = sent.resource_logs
    assert [(item.key, item.value.string_value) for item in resource.resource.attributes] == [
        ("service.name", "contract")
    ]
    first, second = resource.scope_logs[0].log_records
    assert json.loads(first.body.string_value) == good.body
    assert abs(first.time_unix_nano / 1e9 - good.time.timestamp()) < 1e-5
    assert [(record.severity_number, record.severity_text) for record in (first, second)] == [(9, "INFO"), (13, "WARN")]
    assert {item.key: item.value.string_value for item in first.attributes} == {
        "log.record.uid": good.uid,
        "audit.action": "run.accepted",
    }


async def test_the_token_is_where_the_collector_wants_it(receiver: OtlpCollector) -> None:
    settings = receiver.settings.model_copy(update={"token_header": "api-key", "token_prefix": ""})
    async with open_audit_sink(settings, receiver.context) as sink:
        with receiver.fault(lambda _: Answer(204)):
            await sink.ship([event(1)])
    assert receiver.seen[0].headers["api-key"] == receiver.tokens()[0]
    assert "authorization" not in receiver.seen[0].headers
