"""Settings of the Redis or Valkey broker."""

from typing import Annotated

from pydantic import Field, RedisDsn, UrlConstraints, ValidationInfo, field_validator

from chassis.settings_types import SecretRef, SettingsGroup, in_production


class QueueSettings(SettingsGroup):
    """A Redis or Valkey server that carries run ids between processes."""

    url: Annotated[RedisDsn, UrlConstraints(allowed_schemes=["redis", "rediss"])] = Field(
        description="such as rediss://app@cache.internal:6379/0", examples=["redis://localhost"]
    )
    password: SecretRef | None = Field(None, description="reference to the password, such as secret://queue_password")

    @field_validator("url")
    @classmethod
    def no_password_in_url(cls, url: RedisDsn, info: ValidationInfo) -> RedisDsn:
        """Keep passwords out of what is logged, dumped and shown by orchestrators."""
        if in_production(info) and url.password:
            message = "must not contain a password in production; put it in the secret backend and set queue.password"
            raise ValueError(message)
        return url
