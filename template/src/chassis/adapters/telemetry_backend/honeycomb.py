"""Traces to Honeycomb, which takes OTLP over HTTP with Protobuf, the key in a header.

Protocol: "Send Data with OpenTelemetry", docs.honeycomb.io/send-data/opentelemetry. Hosts: "Base URLs",
docs.honeycomb.io/api/introduction. The header as Honeycomb's OpenTelemetry pages and Checkly's ("Honeycomb",
checklyhq.com/docs/integrations/observability/traces/honeycomb) have it; `x-honeycomb-dataset` is for Honeycomb Classic alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend._otlp import open_otlp
from chassis.adapters.telemetry_backend._token import open_token
from chassis.adapters.telemetry_backend.honeycomb_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext

HEADER = "x-honeycomb-team"


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. A key that is not there keeps no service from starting."""
    async with (
        open_token(context.secrets, None if settings.plain else settings.token, HEADER) as credential,
        open_otlp(settings, credential) as exporter,
    ):
        yield exporter
