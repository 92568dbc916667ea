"""Collectors of the Splunk sink: with indexer acknowledgement, and without."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.audit_sink import Bounds
from tests.support.audit_sink._http import REFERENCE, TIMEOUT_SECONDS, HttpCollector

from chassis.dev.audit_sink.splunk import Collector
from chassis.dev.collector import Answer, Request
from chassis.selected import AuditSinkSettings

# `max_content_length` of limits.conf, which is configured; the documented default would need calls of 800 MB.
BOUNDS = Bounds(records=1000, call_bytes=1_000_000, record_bytes=999_000)


class SplunkCollector(HttpCollector):
    """An HTTP Event Collector."""

    vendor: Collector

    def takes_a_part(self) -> Any:
        """Splunk takes the events before the first one it does not like, and names that one's number."""

        def partly(request: Request) -> Answer:
            events = request.body.split(b"\n")
            changed = Request(
                request.method, request.path, request.query, request.headers, b"\n".join([*events[:-1], b"{}"])
            )
            return self.vendor.answer(changed)

        return self.fault(partly)

    def indexes_nothing(self) -> Any:
        """Take events and lose them before they are indexed."""
        self.vendor.indexes = False


@contextmanager
def collector(acknowledges: bool, _directory: Path, _patch: pytest.MonkeyPatch) -> Iterator[SplunkCollector]:
    def settings(url: str) -> AuditSinkSettings:
        values = {
            "url": url,
            "token": REFERENCE,
            "index": "audit",
            "acknowledge": acknowledges,
            "acknowledge_seconds": 1,
            "timeout_seconds": TIMEOUT_SECONDS,
        }
        return AuditSinkSettings.model_validate(values, context={"environment": "test"})

    def make(under_test: HttpCollector) -> Collector:
        return Collector(under_test.keep, acknowledges=acknowledges, max_content_length=BOUNDS.call_bytes)

    under_test = SplunkCollector(make, BOUNDS, settings)
    with under_test.open():
        yield under_test


COLLECTORS = {"acknowledged": partial(collector, True), "not acknowledged": partial(collector, False)}
