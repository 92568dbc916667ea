"""Settings of the audit sink for any collector that takes JSON over HTTPS."""

from typing import Literal

from pydantic import Field

from chassis.adapters.audit_sink._collector_settings import CollectorSettings, CollectorToken, CollectorUrl


class AuditSinkSettings(CollectorSettings):
    """A collector that takes records as JSON and a bearer token."""

    url: CollectorUrl = Field(
        description="where records are posted, such as https://collector.internal/audit",
        examples=["https://collector.internal/audit"],
    )
    token: CollectorToken = Field(None, description="reference to the bearer token, such as secret://audit_sink_token")
    body: Literal["lines", "array"] = Field("lines", description="records as lines of JSON, or as one JSON array")
    call_records: int = Field(500, ge=1, le=10_000, description="the most records in one call")
    call_bytes: int = Field(1_000_000, ge=64_000, le=100_000_000, description="the longest body of a call")
