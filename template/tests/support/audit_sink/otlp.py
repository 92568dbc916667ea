"""The collector of the OTLP sink."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.audit_sink import Bounds
from tests.support.audit_sink._http import REFERENCE, TIMEOUT_SECONDS, HttpCollector

from chassis.dev.audit_sink.otlp import Collector
from chassis.selected import AuditSinkSettings

# What a server takes is configured; the specification recommends 20 MiB. Of records there may be any number.
BOUNDS = Bounds(records=1000, call_bytes=1_000_000, record_bytes=1_000_000)


class OtlpCollector(HttpCollector):
    """A receiver."""

    vendor: Collector

    @contextmanager
    def takes_a_part(self) -> Iterator[None]:
        self.vendor.takes = -1
        yield
        self.vendor.takes = None


@contextmanager
def receiver(_directory: Path, _patch: pytest.MonkeyPatch) -> Iterator[HttpCollector]:
    def settings(url: str) -> AuditSinkSettings:
        values = {"url": url, "token": REFERENCE, "call_bytes": BOUNDS.call_bytes, "timeout_seconds": TIMEOUT_SECONDS}
        return AuditSinkSettings.model_validate(values, context={"environment": "test"})

    def make(under_test: HttpCollector) -> Collector:
        return Collector(under_test.keep, call_bytes=BOUNDS.call_bytes)

    with OtlpCollector(make, BOUNDS, settings).open() as opened:
        yield opened


COLLECTORS = {"receiver": receiver}
