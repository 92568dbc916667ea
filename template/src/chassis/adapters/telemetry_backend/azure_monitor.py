"""Traces to Azure Monitor, which takes OTLP over HTTP at a data collection endpoint, with an access token of Entra ID.

Address, stream, scope and role: "Ingest OTLP data into Azure Monitor with OTel Collector" (learn.microsoft.com/azure/
azure-monitor/containers/opentelemetry-protocol-ingestion), which shows them for a collector; the endpoint is plain OTLP, and
the credential the platform's identity. Microsoft has called this a preview; so is its exporter library (1.0.0b58), which
besides keeps batches on disk and sends figures about itself to endpoints of its own choice (docs/telemetry-azure_monitor.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters._azure_identity import AzureCredential, platform_identity
from chassis.adapters.telemetry_backend._otlp import Credential, open_otlp
from chassis.adapters.telemetry_backend.azure_monitor_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError

CONNECT_SECONDS = 2
READ_SECONDS = 4


class PlatformToken(Credential):
    """An access token of the identity that the platform gives this service; the SDK keeps it until it is about to end."""

    def __init__(self, client_id: UUID | None, scope: str, transport: RequestsTransport) -> None:
        """Ask nothing yet."""
        self._client_id = client_id
        self._scope = scope
        self._transport = transport
        self._identity: AzureCredential | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Show the token; raise `NoAzureIdentityError` where the platform gives no identity."""
        self._identity = self._identity or platform_identity(self._client_id, self._transport)
        token: AccessToken | None = None
        with suppress(AzureError, OSError, ValueError):  # their texts name callers and tenants
            token = self._identity.get_token(self._scope)
        if token is None:
            message = "Azure gives this service no token for Azure Monitor; check its identity, and telemetry_backend.client_id."
            raise UnavailableError(message)
        request.headers["Authorization"] = f"Bearer {token.token}"
        return request

    def refused(self) -> None:
        """Begin anew, since the tokens that the SDK keeps are in the object."""
        self._identity = None


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, _context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. An identity that is not there keeps no service from starting."""
    transport = RequestsTransport(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    transport.open()
    token = Credential() if settings.plain else PlatformToken(settings.client_id, settings.scope, transport)
    try:
        async with open_otlp(settings, token) as exporter:
            yield exporter
    finally:
        await asyncio.to_thread(transport.close)
