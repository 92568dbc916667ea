"""What only Azure Monitor's settings refuse."""

import pytest
from tests.support.telemetry_backend.azure_monitor import SETTINGS

from chassis.adapters.telemetry_backend.azure_monitor_settings import TelemetryBackendSettings


def test_a_key_in_the_environment_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "a key that outlives a leak")
    with pytest.raises(ValueError, match="remove AZURE_CLIENT_SECRET"):
        TelemetryBackendSettings.model_validate(SETTINGS.good)
