"""Honeycomb's two regions."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.support.telemetry_backend import REFERENCE, TIMEOUT_SECONDS, SettingsUnderTest
from tests.support.telemetry_backend._vendor import KeyedVendor

from chassis.selected import TelemetryBackendSettings


@contextmanager
def region(host: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyedVendor]:
    vendor = KeyedVendor("x-honeycomb-team")
    with vendor.serving(host, directory, monkeypatch):
        values = {"url": f"https://{host}", "token": REFERENCE, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


BACKENDS = {"EU": partial(region, "api.eu1.honeycomb.io"), "US": partial(region, "api.honeycomb.io")}
SETTINGS = SettingsUnderTest(
    good={"url": "https://api.eu1.honeycomb.io", "token": REFERENCE},
    strangers=(
        "https://ui.honeycomb.io",
        "https://api.honeycomb.io.example.com",
        "https://api.honeycomb.io:8443",
        "https://api.eu1.honeycomb.io/elsewhere",
    ),
    needed={"token": "put the key into the secret backend"},
)
