"""Collectors: one over TLS that asks for a token, and one in the next pod that asks for nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.otlp_receiver import Receiver, receiver
from tests.support.relay import Relay
from tests.support.telemetry_backend import REFERENCE, TIMEOUT_SECONDS, Keys, context_of
from tests.support.telemetry_backend._vendor import KeyedVendor

from chassis.selected import TelemetryBackendSettings

HOST = "collector.example.com"


class Open:
    """A collector that asks for nothing."""

    path = "/v1/traces"

    def __init__(self, state: Receiver) -> None:
        self.receiver = state
        self.relay = Relay(state.url)
        values = {"url": self.relay.url, "timeout_seconds": TIMEOUT_SECONDS}
        self.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        self.context = context_of(Keys())

    @property
    def asked(self) -> set[str]:
        pytest.skip("this backend has no name")

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self.relay.closed():
            yield

    def rotate(self) -> None:
        pytest.skip("this backend asks for no credential")

    revoke = lose = rotate

    def credentials(self) -> Sequence[str]:
        return []


@contextmanager
def with_a_token(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyedVendor]:
    vendor = KeyedVendor("authorization", "Bearer ")
    with vendor.serving(HOST, directory, monkeypatch):
        values = {"url": f"https://{HOST}", "token": REFERENCE, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


@contextmanager
def in_the_next_pod(_directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    with receiver() as state:
        backend = Open(state)
        yield backend
        backend.relay.close()


BACKENDS = {"with a token": with_a_token, "in the next pod": in_the_next_pod}
