"""What only Jaeger's settings refuse: production."""

import pytest

from chassis.adapters.telemetry_backend.jaeger_settings import TelemetryBackendSettings


@pytest.mark.parametrize("url", ["http://jaeger:4318", "https://jaeger.example.com"])
def test_production_has_another_backend(url: str) -> None:
    with pytest.raises(ValueError, match="must not be set in production"):
        TelemetryBackendSettings.model_validate({"url": url}, context={"environment": "production"})
