"""What only Azure Monitor's settings refuse."""

import pytest

from chassis.adapters.telemetry_backend.azure_monitor_settings import TelemetryBackendSettings

GOOD = {
    "url": "https://traces-1a2b.westeurope-1.ingest.monitor.azure.com",
    "rule_id": "dcr-0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        "https://westeurope-1.ingest.monitor.azure.com",
        "https://traces-1a2b.westeurope-1.metrics.ingest.monitor.azure.com",
        "https://traces-1a2b.westeurope-1.ingest.monitor.azure.com.example.com",
        "https://dc.services.visualstudio.com",
    ],
)
def test_traces_go_to_the_vendor_alone(url: str, environment: str) -> None:
    with pytest.raises(ValueError, match=r"url must be .*; a receiver at http:// is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": url}, context={"environment": environment})


def test_a_receiver_on_a_laptop_is_none_of_production() -> None:
    TelemetryBackendSettings.model_validate({"url": "http://localhost:4318"}, context={"environment": "development"})
    with pytest.raises(ValueError, match="is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": "http://localhost:4318"})


def test_a_rule_is_needed_where_there_is_an_address() -> None:
    with pytest.raises(ValueError, match="rule_id is required"):
        TelemetryBackendSettings.model_validate({"url": GOOD["url"]})


def test_a_key_in_the_environment_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "a key that outlives a leak")
    with pytest.raises(ValueError, match="remove AZURE_CLIENT_SECRET"):
        TelemetryBackendSettings.model_validate(GOOD)
