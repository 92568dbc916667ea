"""Traces over OTLP/HTTP with binary Protobuf ("OTLP Specification", opentelemetry.io/docs/specs/otlp)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend.otlp_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import Secret, secret_name

PATH = "/v1/traces"


class _TokenHeader(requests.auth.AuthBase):
    """Shows the token that was read last; requests are made in the exporter's thread, secrets are read in the event loop."""

    def __init__(self, header: str, prefix: str) -> None:
        self._header = header
        self._prefix = prefix
        self._token: Secret | None = None

    async def take(self, token: Secret) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers[self._header] = f"{self._prefix}{self._token.reveal()}"
        return request


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. A token that is not there keeps no service from starting."""
    session = requests.Session()
    session.max_redirects = 0  # a token is not taken along to wherever an answer points
    stop = None
    if settings.token is not None:
        header = _TokenHeader(settings.token_header, settings.token_prefix)
        session.auth = header
        name = secret_name(settings.token)
        stop = context.secrets.on_rotate(name, header.take)
        with suppress(ChassisError):  # it is looked for without being asked, and taken when it is there
            await header.take(await context.secrets.get(name))
    exporter = OTLPSpanExporter(
        endpoint=f"{str(settings.url).rstrip('/')}{PATH}",
        timeout=settings.timeout_seconds,
        compression=Compression.Gzip,
        session=session,
    )
    try:
        yield exporter
    finally:
        if stop is not None:
            stop()
        session.close()
