"""What only Datadog's settings refuse."""

import pytest

from chassis.adapters.telemetry_backend.datadog_settings import TelemetryBackendSettings

GOOD = {"url": "https://otlp.datadoghq.eu", "token": "secret://telemetry_token"}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        "https://trace.agent.datadoghq.eu",
        "https://otlp.datadoghq.eu.example.com",
        "https://otlp.us3.datadoghq.eu",
        "https://otlp.datadoghq.eu/elsewhere",
    ],
)
def test_traces_go_to_the_vendor_alone(url: str, environment: str) -> None:
    with pytest.raises(ValueError, match=r"url must be .*; a receiver at http:// is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": url}, context={"environment": environment})


def test_a_receiver_on_a_laptop_is_none_of_production() -> None:
    TelemetryBackendSettings.model_validate({"url": "http://localhost:4318"}, context={"environment": "development"})
    with pytest.raises(ValueError, match="is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": "http://localhost:4318"})


def test_a_key_is_needed_where_there_is_an_address() -> None:
    with pytest.raises(ValueError, match="put the key into the secret backend"):
        TelemetryBackendSettings.model_validate({"url": GOOD["url"]}, context={"environment": "test"})
