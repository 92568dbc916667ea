"""The OTLP intake of two of Datadog's sites. A key of another site is answered with 403."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.support.otlp_receiver import Asked
from tests.support.telemetry_backend import REFERENCE, TIMEOUT_SECONDS, SettingsUnderTest
from tests.support.telemetry_backend._vendor import KeyedVendor

from chassis.selected import TelemetryBackendSettings


class Intake(KeyedVendor):
    """Takes what trace metrics are to be computed of; of anything else Datadog would show less, without a word."""

    def judge(self, asked: Asked) -> int:
        return super().judge(asked) if asked.headers.get("compute_stats") == "true" else 400


@contextmanager
def site(host: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    vendor = Intake("dd-api-key", refuses=403)
    with vendor.serving(host, directory, monkeypatch):
        values = {"url": f"https://{host}", "token": REFERENCE, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


BACKENDS = {"EU": partial(site, "otlp.datadoghq.eu"), "US5": partial(site, "otlp.us5.datadoghq.com")}
SETTINGS = SettingsUnderTest(
    good={"url": "https://otlp.datadoghq.eu", "token": REFERENCE},
    strangers=(
        "https://trace.agent.datadoghq.eu",
        "https://otlp.datadoghq.eu.example.com",
        "https://otlp.us3.datadoghq.eu",
        "https://otlp.datadoghq.eu/elsewhere",
    ),
    needed={"token": "put the key into the secret backend"},
)
