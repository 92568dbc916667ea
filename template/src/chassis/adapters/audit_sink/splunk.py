"""The audit log into Splunk, through its HTTP Event Collector (HEC).

A 200 says that the data looked valid; it can still be lost before it is indexed. That it was indexed is known by asking for
the call's acknowledgement ("About HTTP Event Collector Indexer Acknowledgment", help.splunk.com/splunk-enterprise/
get-data-in/collect-http-event-data). How long to wait for it is our choice.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson

from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._http import Collector, SecretHeader, open_collector
from chassis.adapters.audit_sink._shorten import encoded
from chassis.adapters.audit_sink.splunk_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink

EVENTS = "/services/collector/event"
ACKNOWLEDGEMENTS = "/services/collector/ack"
CONFIRMS = (200,)
# The server's own limit is `max_content_length` in limits.conf, 838,860,800 bytes unless somebody lowered it. A megabyte
# passes what stands in front of it as well.
LIMITS = Limits(records=1000, call_bytes=1_000_000, record_bytes=999_000)
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0


class SplunkSink:
    """Sends events, and waits until Splunk has indexed them; ids are in the indexed field `uid`."""

    def __init__(self, collector: Collector, settings: AuditSinkSettings, service: str) -> None:
        """Ship to `collector` as `service`."""
        self._collector = collector
        self._settings = settings
        self._service = service
        # Acknowledgements are counted by channel: any UUID that no other client uses.
        self._headers = {"Content-Type": "application/json", "X-Splunk-Request-Channel": str(uuid4())}

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Send the records, call after call, then wait for all of them to be indexed."""
        entries = (encoded(record, self._entry, len, LIMITS.record_bytes) for record in records)
        waiting: set[int] = set()
        for call in split(entries, LIMITS, len):
            answer = await self._ask(EVENTS, b"\n".join(call))
            if answer.get("code") != 0:
                raise self._collector.failure("did not take the events, though it answered 200; check its log")
            if self._settings.acknowledge:
                waiting.add(self._acknowledgement(answer))
        await self._until_indexed(waiting)

    def _acknowledgement(self, answer: dict[str, Any]) -> int:
        number = answer.get("ackId")
        if not isinstance(number, int):
            raise self._collector.failure(
                "acknowledges nothing; enable indexer acknowledgement for the token, or set audit_sink.acknowledge to false"
            )
        return number

    async def _until_indexed(self, waiting: set[int]) -> None:
        deadline = time.monotonic() + self._settings.acknowledge_seconds
        pause = FIRST_PAUSE_SECONDS
        while waiting:
            answer = await self._ask(ACKNOWLEDGEMENTS, orjson.dumps({"acks": sorted(waiting)}))
            indexed = answer.get("acks")
            if not isinstance(indexed, dict):
                raise self._collector.failure("answered the question for acknowledgements with something else")
            # One that was answered true is forgotten by Splunk, and would be false the next time.
            waiting = {number for number in waiting if indexed.get(str(number)) is not True}
            if waiting and time.monotonic() + pause > deadline:
                problem = f"did not index the events within {self._settings.acknowledge_seconds:g} s"
                raise self._collector.failure(problem)
            if waiting:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _ask(self, path: str, content: bytes) -> dict[str, Any]:
        return self._collector.parsed(await self._collector.post(path, content, self._headers, CONFIRMS))

    def _entry(self, record: AuditRecord) -> bytes:
        event = {
            "time": record.time.timestamp(),
            "source": self._service,
            "sourcetype": self._settings.source_type,
            "event": record.body,
            "fields": {"uid": record.uid},
        }
        if self._settings.index is not None:
            event["index"] = self._settings.index
        return orjson.dumps(event)


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    credential = SecretHeader(context.secrets, settings.token, "Authorization", "Splunk ")
    await credential.find()
    async with open_collector(settings.url, credential, settings.timeout_seconds) as collector:
        yield SplunkSink(collector, settings, context.service)
