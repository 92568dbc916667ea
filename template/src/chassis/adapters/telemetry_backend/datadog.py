"""Traces to Datadog's OTLP intake, which takes HTTP with Protobuf (gRPC it does not), the API key in a header.

Protocol and headers: "Datadog OTLP Traces Intake Endpoint", docs.datadoghq.com/opentelemetry/setup/otlp_ingest/traces. Without
`compute_stats` no trace metrics are computed of what comes this way. Hosts: `otlp_trace_endpoint` in
assets/scripts/config/regions.config.js of DataDog/documentation (pull request 32808). For production Datadog itself names a
collector first: that is `telemetry_backend=otlp`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend._otlp import open_otlp
from chassis.adapters.telemetry_backend._token import open_token
from chassis.adapters.telemetry_backend.datadog_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext

HEADER = "dd-api-key"
HEADERS = {"compute_stats": "true"}


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. A key that is not there keeps no service from starting."""
    async with (
        open_token(context.secrets, None if settings.plain else settings.token, HEADER) as credential,
        open_otlp(settings, credential, HEADERS) as exporter,
    ):
        yield exporter
