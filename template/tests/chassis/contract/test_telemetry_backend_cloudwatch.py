"""What only CloudWatch's settings refuse."""

import pytest

from chassis.adapters.telemetry_backend.cloudwatch_settings import TelemetryBackendSettings

GOOD = {"url": "https://xray.eu-central-1.amazonaws.com"}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        "https://xray.amazonaws.com",
        "https://logs.eu-central-1.amazonaws.com",
        "https://xray.eu-central-1.amazonaws.com.example.com",
        "https://xray.eu-central-1.amazonaws.com/elsewhere",
    ],
)
def test_traces_go_to_the_vendor_alone(url: str, environment: str) -> None:
    with pytest.raises(ValueError, match=r"url must be .*; a receiver at http:// is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": url}, context={"environment": environment})


def test_a_receiver_on_a_laptop_is_none_of_production() -> None:
    TelemetryBackendSettings.model_validate({"url": "http://localhost:4318"}, context={"environment": "development"})
    with pytest.raises(ValueError, match="is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": "http://localhost:4318"})


def test_the_address_names_the_region_that_requests_are_signed_for() -> None:
    assert TelemetryBackendSettings.model_validate(GOOD).region == "eu-central-1"


def test_a_key_in_the_environment_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIADOESNOTMATTER000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a key that outlives a leak")
    with pytest.raises(ValueError, match="a long-term access key"):
        TelemetryBackendSettings.model_validate(GOOD)
