"""The audit log into Datadog, through its Logs API.

Limits, statuses and how old a log may be: "Send logs", docs.datadoghq.com/api/latest/logs/send-logs. Two of them lose data
although the answer is 202: a log above 1 MB is cut, and one with a timestamp of more than 18 hours ago is not taken. So the
first is made shorter here, where it can be marked, and the second goes without a timestamp: Datadog then files it under the
time of its arrival, and the record itself says when it happened.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._http import Collector, SecretHeader, open_collector
from chassis.adapters.audit_sink._shorten import encoded
from chassis.adapters.audit_sink.datadog_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink

PATH = "/api/v2/logs"
HEADERS = {"Content-Type": "application/json"}
CONFIRMS = (202,)
LIMITS = Limits(records=1000, call_bytes=5_000_000, record_bytes=1_000_000)
OLDEST = dt.timedelta(hours=17)  # an hour less than documented, for the way there


class DatadogSink:
    """Sends logs; ids are in the attribute `event_uid`, and the whole record in the message."""

    def __init__(
        self,
        collector: Collector,
        settings: AuditSinkSettings,
        service: str,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """Ship to `collector` as `service`."""
        self._collector = collector
        self._tags = settings.tags
        self._service = service
        self._clock = clock

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Send the records, call after call."""
        entries = (encoded(record, self._entry, len, LIMITS.record_bytes) for record in records)
        for call in split(entries, LIMITS, len):
            answer = await self._collector.post(PATH, b"[" + b",".join(call) + b"]", HEADERS, CONFIRMS)
            if self._collector.parsed(answer).get("errors"):
                raise self._collector.failure("did not take the logs, though it answered 202")

    def _entry(self, record: AuditRecord) -> bytes:
        # Attributes have limits of their own (number, depth, length of names); the message has none but its length.
        entry: dict[str, Any] = {
            "ddsource": "chassis",
            "service": self._service,
            "event_uid": record.uid,
            "message": orjson.dumps(record.body).decode(),
        }
        if self._tags:
            entry["ddtags"] = self._tags
        if self._clock() - record.time < OLDEST:
            entry["timestamp"] = int(record.time.timestamp() * 1000)
        return orjson.dumps(entry)


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    credential = SecretHeader(context.secrets, settings.token, "DD-API-KEY", "")
    await credential.find()
    async with open_collector(settings.url, credential, settings.timeout_seconds) as collector:
        yield DatadogSink(collector, settings, context.service)
