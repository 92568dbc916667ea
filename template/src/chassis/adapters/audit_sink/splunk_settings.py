"""Settings of the audit sink for Splunk."""

from pydantic import Field

from chassis.adapters.audit_sink._collector_settings import CollectorSettings, CollectorToken, CollectorUrl


class AuditSinkSettings(CollectorSettings):
    """An HTTP Event Collector of Splunk."""

    url: CollectorUrl = Field(
        description="its address, such as https://splunk.internal:8088", examples=["https://splunk.internal:8088"]
    )
    token: CollectorToken = Field(None, description="reference to the token, such as secret://audit_sink_token")
    index: str | None = Field(
        None, pattern=r"\A[a-z0-9][a-z0-9_-]{0,79}\z", description="index to write to; without one, the token's"
    )
    source_type: str = Field("_json", pattern=r"\A[\w:.-]{1,80}\z", description="source type of the events")
    acknowledge: bool = Field(
        True, description="wait until the events are indexed; the token must have indexer acknowledgement enabled"
    )
    acknowledge_seconds: float = Field(
        300, gt=0, le=300, description="events that are not indexed by then are sent again"
    )
