"""What only the OTLP backend's settings have: a token of any collector's."""

import pytest

from chassis.adapters.telemetry_backend.otlp_settings import TelemetryBackendSettings


def test_a_token_is_not_shown_without_tls_in_production() -> None:
    given = {"url": "http://collector:4318", "token": "secret://telemetry_token"}
    with pytest.raises(ValueError, match="https"):
        TelemetryBackendSettings.model_validate(given, context={"environment": "production"})


def test_a_collector_in_the_next_pod_needs_no_tls() -> None:
    given = {"url": "http://collector:4318"}
    assert TelemetryBackendSettings.model_validate(given, context={"environment": "production"}).sends
