"""Settings of the audit sink for Datadog."""

from pydantic import Field

from chassis.adapters.audit_sink._collector_settings import CollectorSettings, CollectorToken, CollectorUrl


class AuditSinkSettings(CollectorSettings):
    """The log intake of a Datadog site."""

    url: CollectorUrl = Field(
        description="the site's log intake, such as https://http-intake.logs.datadoghq.eu",
        examples=["https://http-intake.logs.datadoghq.eu"],
    )
    token: CollectorToken = Field(None, description="reference to an API key, such as secret://audit_sink_token")
    tags: str = Field(
        "", pattern=r"\A([\w:./-]+(,[\w:./-]+)*)?\z", description="tags of every log, such as env:prod,team:agents"
    )
