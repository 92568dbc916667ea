"""Traces to an OpenTelemetry collector, or to anything else that takes OTLP over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend._otlp import open_otlp
from chassis.adapters.telemetry_backend._token import open_token
from chassis.adapters.telemetry_backend.otlp_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. A token that is not there keeps no service from starting."""
    async with (
        open_token(context.secrets, settings.token, settings.token_header, settings.token_prefix) as credential,
        open_otlp(settings, credential) as exporter,
    ):
        yield exporter
