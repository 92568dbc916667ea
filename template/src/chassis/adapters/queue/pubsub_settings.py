"""Settings of the Google Cloud Pub/Sub broker."""

from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from chassis.adapters._gcp_settings import HOST, PROJECT, GcpSettings
from chassis.settings_types import in_production

NAME = r"\A[A-Za-z][A-Za-z0-9._~+%-]{2,254}\z"
"""What a topic or a subscription may be called (Pub/Sub API, `Topic.name` and `Subscription.name`), but for the prefix goog."""


class QueueSettings(GcpSettings):
    """A topic and its subscription, both made beforehand; credentials come from the platform alone, never from settings."""

    project: str = Field(
        pattern=PROJECT,
        description="the id or number of the project that holds topic and subscription",
        examples=["my-project"],
    )
    topic: str = Field(
        pattern=NAME, description="the topic to publish to, of this service alone", examples=["my-agent-runs"]
    )
    subscription: str = Field(
        pattern=NAME, description="the subscription of that topic that all workers share", examples=["my-agent-runs"]
    )
    endpoint: str | None = Field(
        None, pattern=HOST, description="another host for Pub/Sub, such as a regional one; always reached with TLS"
    )
    monitoring_endpoint: str | None = Field(
        None, pattern=HOST, description="another host for Cloud Monitoring, which counts; always reached with TLS"
    )
    emulator: str | None = Field(
        None,
        pattern=HOST,
        description="a stand-in on this machine, reached without TLS and identity; not in production",
    )

    @model_validator(mode="after")
    def no_emulator_in_production(self, info: ValidationInfo) -> Self:
        """Keep production from publishing in the clear, to whoever listens there."""
        if in_production(info) and self.emulator:
            message = "emulator is refused in production, since it is reached without TLS and identity; leave it out"
            raise ValueError(message)
        return self
