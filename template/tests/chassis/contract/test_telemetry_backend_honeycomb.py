"""What only Honeycomb's settings take: its two regions."""

import pytest
from tests.support.telemetry_backend.honeycomb import SETTINGS

from chassis.adapters.telemetry_backend.honeycomb_settings import TelemetryBackendSettings


@pytest.mark.parametrize("host", ["api.eu1.honeycomb.io", "api.honeycomb.io"])
def test_each_region_has_its_address(host: str) -> None:
    settings = TelemetryBackendSettings.model_validate({**SETTINGS.good, "url": f"https://{host}"})
    assert settings.endpoint == f"https://{host}/v1/traces"
