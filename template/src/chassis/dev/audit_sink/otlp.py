"""`audit_sink=otlp` on a laptop: a receiver of logs over OTLP/HTTP, keeping them beside the other scratch data.

"OTLP Specification", "OTLP/HTTP Response", opentelemetry.io/docs/specs/otlp.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from chassis.dev.collector import Answer, Keep, Kept, Request, collecting

URL = "CHASSIS__AUDIT_SINK__URL"
PATH = "/v1/logs"
PROTOBUF = "application/x-protobuf"
CALL_BYTES = 20 * 2**20


class Collector:
    """A receiver for binary Protobuf; `takes` says how many records of a call it does not reject."""

    def __init__(self, keep: Keep, token: str | None = None, call_bytes: int = CALL_BYTES) -> None:
        """Hand what comes to `keep`; without a token, everybody may send."""
        self.token = token
        self.takes: int | None = None
        self._keep = keep
        self._call_bytes = call_bytes

    def answer(self, request: Request) -> Answer:
        """Answer one call. A refusal's body would be a Status message, which no client needs to understand."""
        if request.method != "POST":
            return Answer(405, headers={"Allow": "POST"})
        if request.path != PATH:
            return Answer(404)
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401)
        if request.headers.get("content-type") != PROTOBUF:
            return Answer(415)
        if len(request.body) > self._call_bytes:
            return Answer(413)
        return self._take(request.body)

    def _take(self, body: bytes) -> Answer:
        message = ExportLogsServiceRequest()
        try:
            message.ParseFromString(body)
        except DecodeError:
            return Answer(400)
        records = [
            record
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
        taken = records[: self.takes]
        self._keep([_kept(record) for record in taken])
        said = ExportLogsServiceResponse()
        if len(taken) < len(records):
            rejected = len(records) - len(taken)
            said.partial_success.CopyFrom(ExportLogsPartialSuccess(rejected_log_records=rejected, error_message="full"))
        return Answer(200, said.SerializeToString(), {"Content-Type": PROTOBUF})


def _kept(record: LogRecord) -> Kept:
    attributes = {item.key: item.value.string_value for item in record.attributes}
    return Kept(attributes.get("log.record.uid", ""), json.loads(record.body.string_value))


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that leads to the receiver: the environment's own, or one started here."""
    with collecting(URL, directory, environ, lambda keep: Collector(keep).answer) as found:
        yield found
