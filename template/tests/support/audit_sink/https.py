"""Collectors of the sink for JSON over HTTPS: one that takes lines, one that takes arrays."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.support.audit_sink import Bounds
from tests.support.audit_sink._http import REFERENCE, TIMEOUT_SECONDS, HttpCollector

from chassis.dev.audit_sink.https import Collector
from chassis.dev.collector import Answer
from chassis.selected import AuditSinkSettings

BOUNDS = Bounds(records=50, call_bytes=100_000, record_bytes=100_000)


class JsonCollector(HttpCollector):
    """Any collector."""

    def takes_a_part(self) -> Any:
        return self.fault(lambda _: Answer(207, b'{"failed":1}', {"Content-Type": "application/json"}))


@contextmanager
def collector(body: Literal["lines", "array"], _directory: Path, _patch: pytest.MonkeyPatch) -> Iterator[HttpCollector]:
    def settings(url: str) -> AuditSinkSettings:
        values = {
            "url": f"{url}/audit",
            "token": REFERENCE,
            "body": body,
            "timeout_seconds": TIMEOUT_SECONDS,
            "call_records": BOUNDS.records,
            "call_bytes": BOUNDS.call_bytes,
        }
        return AuditSinkSettings.model_validate(values, context={"environment": "test"})

    def make(under_test: HttpCollector) -> Collector:
        return Collector(under_test.keep, call_records=BOUNDS.records, call_bytes=BOUNDS.call_bytes)

    with JsonCollector(make, BOUNDS, settings).open() as opened:
        yield opened


COLLECTORS = {"lines": partial(collector, "lines"), "array": partial(collector, "array")}
