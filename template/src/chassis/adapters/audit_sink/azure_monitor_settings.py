"""Settings of the audit sink for Azure Monitor."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, ValidationInfo

from chassis.adapters.audit_sink._collector_settings import CollectorSettings, CollectorUrl
from chassis.settings_types import in_production

AUDIENCES = {
    ".ingest.monitor.azure.com": "https://monitor.azure.com",
    ".ingest.monitor.azure.us": "https://monitor.azure.us",
    ".ingest.monitor.azure.cn": "https://monitor.azure.cn",
}
"""Whose tokens the endpoints of each cloud take ("Logs Ingestion API in Azure Monitor", "Token audience",
learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview), by the end of their names."""


def _azures(url: HttpUrl, info: ValidationInfo) -> HttpUrl:
    if in_production(info) and not (url.host or "").endswith(tuple(AUDIENCES)):
        message = f"must be https://<name> followed by {', '.join(AUDIENCES)} in production"
        raise ValueError(message)
    return url


class AuditSinkSettings(CollectorSettings):
    """A table of a Log Analytics workspace, reached through a data collection rule; the platform's identity logs in."""

    url: Annotated[CollectorUrl, AfterValidator(_azures)] = Field(
        description="logs ingestion endpoint of the rule, such as https://audit-1a2b.westeurope-1.ingest.monitor.azure.com",
        examples=["https://audit-1a2b.westeurope-1.ingest.monitor.azure.com"],
    )
    rule_id: str = Field(
        pattern=r"\Adcr-[0-9a-f]{32}\z",
        description="immutable id of the data collection rule: dcr- and 32 digits",
        examples=["dcr-0123456789abcdef0123456789abcdef"],
    )
    stream: str = Field(
        "Custom-AgentAudit_CL", pattern=r"\ACustom-\w{1,80}\z", description="stream of the rule that takes the records"
    )
    client_id: UUID | None = Field(
        None, description="client id of the user-assigned identity to use, where there is more than one identity"
    )

    @property
    def scope(self) -> str:
        """What to ask a token for; in development, that of the public cloud."""
        host = self.url.host or ""
        found = next((audience for suffix, audience in AUDIENCES.items() if host.endswith(suffix)), None)
        return f"{found or 'https://monitor.azure.com'}/.default"
