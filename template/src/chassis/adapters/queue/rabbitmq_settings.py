"""Settings of the RabbitMQ broker."""

from typing import Annotated

from pydantic import AmqpDsn, Field, UrlConstraints

from chassis.settings_types import SecretRef, SettingsGroup, without_password


class QueueSettings(SettingsGroup):
    """A RabbitMQ that carries run ids between processes."""

    url: Annotated[AmqpDsn, UrlConstraints(allowed_schemes=["amqp", "amqps"]), without_password("queue.password")] = (
        Field(description="such as amqps://app@rabbitmq.internal:5671/agents", examples=["amqp://localhost"])
    )
    password: SecretRef | None = Field(None, description="reference to the password, such as secret://queue_password")
