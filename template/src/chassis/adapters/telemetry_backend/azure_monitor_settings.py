"""Settings of Azure Monitor."""

import re
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from chassis.adapters._azure_settings import refuse_static_credentials
from chassis.adapters.telemetry_backend._backend_settings import BackendUrl, VendorSettings


class TelemetryBackendSettings(VendorSettings):
    """A data collection endpoint and its rule; the platform's identity logs in."""

    HOSTS: ClassVar[re.Pattern[str]] = re.compile(r"[a-z0-9-]+\.[a-z0-9]+-[0-9]+\.ingest\.monitor\.azure\.com")
    NAMED: ClassVar[str] = (
        "a logs ingestion endpoint, such as https://traces-1a2b.westeurope-1.ingest.monitor.azure.com"
    )

    url: BackendUrl = Field(
        None,
        description="logs ingestion endpoint, whose name has the region, such as "
        "https://traces-1a2b.westeurope-1.ingest.monitor.azure.com; without one nothing is sent",
    )
    rule_id: str | None = Field(
        None,
        pattern=r"\Adcr-[0-9a-f]{32}\z",
        description="immutable id of the data collection rule: dcr- and 32 digits",
    )
    stream: str = Field(
        "Microsoft-OTLP-Traces", pattern=r"\A[A-Za-z][\w-]{1,80}\z", description="stream of the rule that takes traces"
    )
    client_id: UUID | None = Field(
        None, description="client id of the user-assigned identity to use, where there is more than one identity"
    )

    @property
    def scope(self) -> str:
        """What to ask a token for."""
        return "https://monitor.azure.com/.default"

    @property
    def endpoint(self) -> str:
        """The whole address; see the base."""
        if self.plain:
            return super().endpoint
        rule = f"datacollectionRules/{self.rule_id}/streams/{self.stream}"
        return f"{str(self.url).rstrip('/')}/{rule}/otlp/v1/traces"

    @model_validator(mode="after")
    def whole(self, info: ValidationInfo) -> Self:
        """Notice at the start what the first batch would fail at."""
        if self.sends and not self.plain:
            refuse_static_credentials(info)
            if self.rule_id is None:
                message = "rule_id is required with this url: the immutable id of the data collection rule"
                raise ValueError(message)
        return self
