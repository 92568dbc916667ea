"""Settings of the audit sink for OpenTelemetry collectors."""

from pydantic import Field

from chassis.adapters.audit_sink._collector_settings import CollectorSettings, CollectorToken, CollectorUrl


class AuditSinkSettings(CollectorSettings):
    """A collector that takes logs over OTLP/HTTP."""

    url: CollectorUrl = Field(
        description="its address without /v1/logs, such as https://collector.internal:4318",
        examples=["https://collector.internal:4318"],
    )
    token: CollectorToken = Field(None, description="reference to the token, such as secret://audit_sink_token")
    token_header: str = Field(
        "Authorization", pattern=r"\A[A-Za-z][A-Za-z0-9-]{0,63}\z", description="header that holds the token"
    )
    token_prefix: str = Field(
        "Bearer ", pattern=r"\A([A-Za-z-]{1,32} )?\z", description="what stands before the token in its header"
    )
    call_bytes: int = Field(
        1_000_000, ge=64_000, le=20_971_520, description="the longest body of a call; collectors take 20 MiB by default"
    )
