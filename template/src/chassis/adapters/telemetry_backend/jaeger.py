"""Traces to Jaeger, which takes OTLP over HTTP on port 4318 and shows them on 16686 ("Getting Started", jaegertracing.io/docs)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend._otlp import Credential, open_otlp
from chassis.adapters.telemetry_backend.jaeger_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, _context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send; Jaeger asks nobody who they are."""
    async with open_otlp(settings, Credential()) as exporter:
        yield exporter
