"""What only Datadog's settings take: its sites."""

import pytest
from tests.support.telemetry_backend.datadog import SETTINGS

from chassis.adapters.telemetry_backend.datadog_settings import TelemetryBackendSettings

SITES = [
    "datadoghq.com",
    "datadoghq.eu",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
]


@pytest.mark.parametrize("site", SITES)
def test_each_site_has_its_address(site: str) -> None:
    settings = TelemetryBackendSettings.model_validate({**SETTINGS.good, "url": f"https://otlp.{site}"})
    assert settings.endpoint == f"https://otlp.{site}/v1/traces"
