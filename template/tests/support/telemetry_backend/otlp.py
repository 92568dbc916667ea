"""Collectors: one over TLS that asks for a token, and one in the next pod that asks for nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.telemetry_backend import REFERENCE, TIMEOUT_SECONDS, SettingsUnderTest
from tests.support.telemetry_backend._open import OpenReceiver, open_receiver
from tests.support.telemetry_backend._vendor import KeyedVendor

from chassis.selected import TelemetryBackendSettings

HOST = "collector.example.com"


@contextmanager
def with_a_token(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyedVendor]:
    vendor = KeyedVendor("authorization", "Bearer ")
    with vendor.serving(HOST, directory, monkeypatch):
        values = {"url": f"https://{HOST}", "token": REFERENCE, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


@contextmanager
def in_the_next_pod(_directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenReceiver]:
    with open_receiver("production") as backend:
        yield backend


BACKENDS = {"with a token": with_a_token, "in the next pod": in_the_next_pod}
SETTINGS = SettingsUnderTest(good={})
