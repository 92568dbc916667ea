"""The collector of the Datadog sink."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.audit_sink import Bounds
from tests.support.audit_sink._http import REFERENCE, TIMEOUT_SECONDS, HttpCollector

from chassis.dev.audit_sink.datadog import CALL_BYTES, CALL_LOGS, LOG_BYTES, Collector
from chassis.selected import AuditSinkSettings


class DatadogCollector(HttpCollector):
    """A log intake."""

    confirms = 202


@contextmanager
def intake(_directory: Path, _patch: pytest.MonkeyPatch) -> Iterator[HttpCollector]:
    def settings(url: str) -> AuditSinkSettings:
        values = {"url": url, "token": REFERENCE, "tags": "env:test", "timeout_seconds": TIMEOUT_SECONDS}
        return AuditSinkSettings.model_validate(values, context={"environment": "test"})

    bounds = Bounds(CALL_LOGS, CALL_BYTES, LOG_BYTES)
    with DatadogCollector(lambda under_test: Collector(under_test.keep), bounds, settings).open() as opened:
        yield opened


COLLECTORS = {"intake": intake}
