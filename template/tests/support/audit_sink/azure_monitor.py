"""The collector of the Azure Monitor sink: a data collection endpoint, and the identity endpoint of a container app."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.audit_sink import Bounds
from tests.support.audit_sink._http import TIMEOUT_SECONDS, HttpCollector

from chassis.adapters._azure_identity import PLATFORM_VARIABLES
from chassis.dev.audit_sink.azure_monitor import CALL_BYTES, FIELD_BYTES, IDENTITY, RULE, STREAM, Collector
from chassis.dev.collector import Answer, Request
from chassis.selected import AuditSinkSettings

BOUNDS = Bounds(records=1000, call_bytes=CALL_BYTES, record_bytes=FIELD_BYTES)


class Endpoint(Collector):
    """A collector whose tokens are its own affair."""

    token: str | None = None


class AzureCollector(HttpCollector):
    """An endpoint whose identity endpoint is another thing, which is not counted and does not break with it."""

    vendor: Endpoint
    monkeypatch: pytest.MonkeyPatch

    def answer(self, request: Request) -> Answer:
        return self.vendor.answer(request) if request.path == IDENTITY else super().answer(request)

    def rotate_token(self) -> None:
        self.vendor.accepted.clear()

    def revoke_token(self) -> None:
        self.vendor.grants = False
        self.vendor.accepted.clear()

    def delete_token(self) -> None:
        self.revoke_token()
        self.monkeypatch.delenv("IDENTITY_ENDPOINT")

    def tokens(self) -> Sequence[str]:
        return [*self.vendor.given, self.vendor.header]


@contextmanager
def endpoint(_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AzureCollector]:
    def settings(url: str) -> AuditSinkSettings:
        values = {"url": url, "rule_id": RULE, "stream": STREAM, "timeout_seconds": TIMEOUT_SECONDS}
        return AuditSinkSettings.model_validate(values, context={"environment": "test"})

    collector = AzureCollector(lambda under_test: Endpoint(under_test.keep), BOUNDS, settings)
    collector.monkeypatch = monkeypatch
    with collector.open():
        for name in PLATFORM_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{collector.url}{IDENTITY}")
        monkeypatch.setenv("IDENTITY_HEADER", collector.vendor.header)
        yield collector


COLLECTORS = {"endpoint": endpoint}
