"""What only CloudWatch's settings refuse."""

import pytest
from tests.support.telemetry_backend.cloudwatch import SETTINGS

from chassis.adapters.telemetry_backend.cloudwatch_settings import TelemetryBackendSettings


def test_the_address_names_the_region_that_requests_are_signed_for() -> None:
    assert TelemetryBackendSettings.model_validate(SETTINGS.good).region == "eu-central-1"


def test_a_key_in_the_environment_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a key that outlives a leak")
    with pytest.raises(ValueError, match="a long-term access key"):
        TelemetryBackendSettings.model_validate(SETTINGS.good)
