"""Settings of the Redis or Valkey broker."""

from typing import Annotated

from pydantic import Field, RedisDsn, UrlConstraints

from chassis.settings_types import SecretRef, SettingsGroup, without_password


class QueueSettings(SettingsGroup):
    """A Redis or Valkey server that carries run ids between processes."""

    url: Annotated[
        RedisDsn, UrlConstraints(allowed_schemes=["redis", "rediss"]), without_password("queue.password")
    ] = Field(description="such as rediss://app@cache.internal:6379/0", examples=["redis://localhost"])
    password: SecretRef | None = Field(None, description="reference to the password, such as secret://queue_password")
