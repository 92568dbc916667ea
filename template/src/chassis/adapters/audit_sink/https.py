"""The audit log as JSON, posted to any collector that takes it with a bearer token.

There is no vendor to say what an answer means, so the least is taken for granted: 200, 201, 202 and 204 confirm the whole
call. A 207, which says that parts of it may have failed (RFC 4918, 11.1), does not, nor does a page of HTML, which is what
the log-in of a proxy answers.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson

from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._http import Collector, SecretHeader, open_collector
from chassis.adapters.audit_sink._shorten import encoded
from chassis.adapters.audit_sink.https_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink

CONFIRMS = (200, 201, 202, 204)
LINES = {"Content-Type": "application/x-ndjson"}
ARRAY = {"Content-Type": "application/json"}


class HttpsSink:
    """Posts records; their ids are in `metadata.uid`."""

    def __init__(self, collector: Collector, settings: AuditSinkSettings) -> None:
        """Ship to `collector`."""
        self._collector = collector
        self._limits = Limits(settings.call_records, settings.call_bytes, record_bytes=settings.call_bytes - 3)
        self._lines = settings.body == "lines"

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Post the records, call after call."""
        entries = (encoded(record, _entry, len, self._limits.record_bytes) for record in records)
        for call in split(entries, self._limits, len):
            content = b"\n".join(call) + b"\n" if self._lines else b"[" + b",".join(call) + b"]"
            answer = await self._collector.post("", content, LINES if self._lines else ARRAY, CONFIRMS)
            if "html" in answer.headers.get("Content-Type", ""):
                problem = f"answered {answer.status_code} with a web page; check that the address is its own"
                raise self._collector.failure(problem)


def _entry(record: AuditRecord) -> bytes:
    return orjson.dumps(record.body)


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    credential = SecretHeader(context.secrets, settings.token, "Authorization", "Bearer ")
    await credential.find()
    async with open_collector(settings.url, credential, settings.timeout_seconds) as collector:
        yield HttpsSink(collector, settings)
