"""Settings of the RabbitMQ broker."""

from typing import Annotated

from pydantic import AmqpDsn, Field, UrlConstraints, ValidationInfo, field_validator

from chassis.settings_types import SecretRef, SettingsGroup, in_production


class QueueSettings(SettingsGroup):
    """A RabbitMQ that carries run ids between processes."""

    url: Annotated[AmqpDsn, UrlConstraints(allowed_schemes=["amqp", "amqps"])] = Field(
        description="such as amqps://app@rabbitmq.internal:5671/agents", examples=["amqp://localhost"]
    )
    password: SecretRef | None = Field(None, description="reference to the password, such as secret://queue_password")

    @field_validator("url")
    @classmethod
    def no_password_in_url(cls, url: AmqpDsn, info: ValidationInfo) -> AmqpDsn:
        """Keep passwords out of what is logged, dumped and shown by orchestrators."""
        if in_production(info) and url.password:
            message = "must not contain a password in production; put it in the secret backend and set queue.password"
            raise ValueError(message)
        return url
