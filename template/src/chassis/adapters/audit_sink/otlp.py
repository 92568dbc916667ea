"""The audit log into any OpenTelemetry collector, over OTLP/HTTP with binary Protobuf.

"OTLP Specification", opentelemetry.io/docs/specs/otlp. It says that a client must not repeat a call after a partial success or
after a status such as 400, since the same would be refused again. Here nothing is ever given up: an audit log with a hole is
worth less than one that waits, with an alert, until somebody has put the collector right.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._http import Collector, SecretHeader, open_collector
from chassis.adapters.audit_sink._shorten import encoded
from chassis.adapters.audit_sink.otlp_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink

PATH = "/v1/logs"
PROTOBUF = "application/x-protobuf"
OK, NO_CONTENT = 200, 204
# The specification knows 200 only; Grafana Cloud answers 204 (github.com/agoda-com/opentelemetry-logs-go/pull/26).
CONFIRMS = (OK, NO_CONTENT)
RECORDS = 1000
# What a record adds to a call besides itself: its tag, and its length in up to four bytes; and the lengths around them all.
BETWEEN, LENGTHS = 5, 16
SUCCESS = 1


class OtlpSink:
    """Sends log records; ids are in the attribute `log.record.uid`, and the whole record in the body, as JSON.

    That attribute is for it: "other log records with the same id will be considered duplicates and can be removed safely"
    ("General logs attributes", opentelemetry.io/docs/specs/semconv/general/logs).
    """

    def __init__(self, collector: Collector, settings: AuditSinkSettings, service: str) -> None:
        """Ship to `collector` as `service`."""
        self._collector = collector
        self._service = service
        frame = self._request([]).ByteSize() + LENGTHS
        self._limits = Limits(
            RECORDS, settings.call_bytes, settings.call_bytes - frame - BETWEEN, frame=frame, between=BETWEEN
        )

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Send the records, call after call."""
        entries = (encoded(record, _entry, LogRecord.ByteSize, self._limits.record_bytes) for record in records)
        for call in split(entries, self._limits, LogRecord.ByteSize):
            content = self._request(call).SerializeToString()
            self._check(await self._collector.post(PATH, content, {"Content-Type": PROTOBUF}, CONFIRMS))

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code == NO_CONTENT:
            return
        said = ExportLogsServiceResponse()
        understood = answer.headers.get("Content-Type", "").startswith(PROTOBUF)
        try:
            said.ParseFromString(answer.content)
        except DecodeError:
            understood = False
        if not understood:
            problem = (
                f"answered {answer.status_code} with something else than Protobuf; check that the address is its own"
            )
            raise self._collector.failure(problem)
        rejected = said.partial_success.rejected_log_records
        if rejected:
            problem = f"rejected {rejected} of the records though it answered {answer.status_code}; its log says why"
            raise self._collector.failure(problem)

    def _request(self, call: Sequence[LogRecord]) -> ExportLogsServiceRequest:
        resource = Resource(attributes=[_text("service.name", self._service)])
        logs = ScopeLogs(scope=InstrumentationScope(name="chassis.audit"), log_records=call)
        return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=resource, scope_logs=[logs])])


def _entry(record: AuditRecord) -> LogRecord:
    moment = int(record.time.timestamp() * 1_000_000) * 1000
    succeeded = record.body.get("status_id") == SUCCESS
    return LogRecord(
        time_unix_nano=moment,
        observed_time_unix_nano=moment,
        severity_number=SeverityNumber.SEVERITY_NUMBER_INFO if succeeded else SeverityNumber.SEVERITY_NUMBER_WARN,
        severity_text="INFO" if succeeded else "WARN",
        body=AnyValue(string_value=orjson.dumps(record.body).decode()),
        attributes=[
            _text("log.record.uid", record.uid),
            _text("audit.action", record.body["metadata"]["event_code"]),
        ],
    )


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    credential = SecretHeader(context.secrets, settings.token, settings.token_header, settings.token_prefix)
    await credential.find()
    async with open_collector(settings.url, credential, settings.timeout_seconds) as collector:
        yield OtlpSink(collector, settings, context.service)
