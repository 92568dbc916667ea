"""What only Honeycomb's settings refuse."""

import asyncio
from typing import cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from tests.support.otlp_receiver import receiver
from tests.support.telemetry_backend import Keys, context_of

from chassis.adapters.telemetry_backend.honeycomb import open_span_exporter
from chassis.adapters.telemetry_backend.honeycomb_settings import TelemetryBackendSettings

GOOD = {"url": "https://api.eu1.honeycomb.io", "token": "secret://telemetry_token"}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        "https://ui.honeycomb.io",
        "https://api.honeycomb.io.example.com",
        "https://api.honeycomb.io:8443",
        "https://api.eu1.honeycomb.io/elsewhere",
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


async def test_a_receiver_on_a_laptop_is_shown_no_key() -> None:
    with receiver() as laptop:
        values = {"url": laptop.url, "token": GOOD["token"]}
        settings = TelemetryBackendSettings.model_validate(values, context={"environment": "development"})
        context = context_of(Keys("the-key"))
        async with open_span_exporter(settings, context) as exporter:
            span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("one")
            span.end()
            assert await asyncio.to_thread(exporter.export, [cast("ReadableSpan", span)]) is SpanExportResult.SUCCESS
        await context.secrets.close()
        assert laptop.paths == ["/v1/traces"]
        assert "the-key" not in str(laptop.headers)
