"""The audit log into a Log Analytics workspace, which is also Microsoft Sentinel's, through the Logs Ingestion API.

Calls: "Logs Ingestion API in Azure Monitor" (learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview).
Limits: "Azure Monitor service limits", "Logs Ingestion API" (learn.microsoft.com/azure/azure-monitor/service-limits): 1 MB a
call, and fields above 64 KB are cut although the answer is 204, so a record that long is made shorter here, where it can be
marked. A column that the rule does not name is dropped without a word; the names below are those of the project's page.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import orjson
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport, RequestsTransport

from chassis.adapters._azure_identity import platform_identity
from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._http import Collector, open_collector
from chassis.adapters.audit_sink._shorten import encoded
from chassis.adapters.audit_sink.azure_monitor_settings import AuditSinkSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord, AuditSink
from chassis.ports.errors import ConfigurationError, UnavailableError

VERSION = "2023-01-01"
HEADERS = {"Content-Type": "application/json"}
CONFIRMS = (204,)
LIMITS = Limits(records=1000, call_bytes=1_000_000, record_bytes=64_000)
CONNECT_SECONDS = 2
READ_SECONDS = 4


class PlatformToken:
    """An access token of the identity that the platform gives this service; the SDK keeps it until it is about to end."""

    def __init__(self, client_id: UUID | None, scope: str, transport: HttpTransport[Any, Any]) -> None:
        """Ask nothing yet; raise `NoAzureIdentityError` where there is no identity."""
        self._client_id = client_id
        self._scope = scope
        self._transport = transport
        self._identity = platform_identity(client_id, transport)

    async def headers(self) -> dict[str, str]:
        """Give the header; see `Credential`."""
        token: AccessToken | None = None
        with suppress(AzureError, OSError, ValueError):  # their texts name callers and tenants
            token = await asyncio.to_thread(self._identity.get_token, self._scope)
        if token is None:
            message = (
                "Azure gives this service no token for Azure Monitor; check its identity, and audit_sink.client_id."
            )
            raise UnavailableError(message)
        return {"Authorization": f"Bearer {token.token}"}

    def rejected(self) -> None:
        """Begin anew, since the tokens that the SDK keeps are in the object."""
        with suppress(ConfigurationError):  # there was an identity at the start; the one at hand will tell
            self._identity = platform_identity(self._client_id, self._transport)


class AzureMonitorSink:
    """Sends rows; ids are in the column `Uid`, and the whole record in the column `Record`."""

    def __init__(self, collector: Collector, settings: AuditSinkSettings) -> None:
        """Ship to `collector`."""
        self._collector = collector
        rule = f"/dataCollectionRules/{settings.rule_id}/streams/{settings.stream}"
        self._path = f"{rule}?api-version={VERSION}"

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Send the records, call after call."""
        entries = (encoded(record, _entry, len, LIMITS.record_bytes) for record in records)
        for call in split(entries, LIMITS, len):
            await self._collector.post(self._path, b"[" + b",".join(call) + b"]", HEADERS, CONFIRMS)


def _entry(record: AuditRecord) -> bytes:
    return orjson.dumps(
        {
            "TimeGenerated": record.time.isoformat(),
            "Uid": record.uid,
            "Action": record.body["metadata"]["event_code"],
            "Record": record.body,
        }
    )


@asynccontextmanager
async def open_audit_sink(settings: AuditSinkSettings, _context: AdapterContext) -> AsyncIterator[AuditSink]:
    """Open the sink."""
    transport = RequestsTransport(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    transport.open()
    try:
        credential = PlatformToken(settings.client_id, settings.scope, transport)
        async with open_collector(settings.url, credential, settings.timeout_seconds) as collector:
            yield AzureMonitorSink(collector, settings)
    finally:
        await asyncio.to_thread(transport.close)
