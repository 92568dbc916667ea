"""Settings of agent state in Redis or Valkey."""

from typing import Annotated, Literal

from pydantic import Field, RedisDsn, UrlConstraints, ValidationInfo, field_validator

from chassis.settings_types import SecretRef, SettingsGroup, in_production, without_password

Persistence = Literal["verified", "vouched", "none"]


class StateStoreSettings(SettingsGroup):
    """A Redis (from 7 on) or Valkey server that holds checkpoints and tells of events."""

    url: Annotated[
        RedisDsn, UrlConstraints(allowed_schemes=["redis", "rediss"]), without_password("state_store.password")
    ] = Field(description="such as rediss://app@state.internal:6379/0", examples=["redis://localhost"])
    password: SecretRef | None = Field(
        None, description="reference to the password, such as secret://state_store_password"
    )
    cluster: bool = Field(False, description="whether the URL leads to a node of a cluster")
    persistence: Persistence = Field(
        "verified",
        description="verified asks the server whether it keeps its data; vouched takes your word for it, where a managed one "
        "hides its configuration; none is for tests",
    )

    @field_validator("persistence")
    @classmethod
    def keep_what_was_accepted(cls, persistence: Persistence, info: ValidationInfo) -> Persistence:
        """Refuse a store that may forget."""
        if in_production(info) and persistence == "none":
            message = "must not be none in production: the state of runs would be lost with the server"
            raise ValueError(message)
        return persistence
