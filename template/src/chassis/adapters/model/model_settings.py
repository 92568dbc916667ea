"""Settings of the language model."""

from typing import Literal, Self

from pydantic import Field, model_validator

from chassis.settings_types import SecretRef, SettingsGroup


class ModelSettings(SettingsGroup):
    """The language model the agent talks to."""

    provider: Literal["local", "openai_compatible"] = Field(
        "local", description="local is deterministic and needs no account; openai_compatible is any such endpoint"
    )
    name: str = Field("local-planner-1", min_length=1, description="the model's name at its provider")
    base_url: str | None = Field(None, pattern=r"\Ahttps?://", description="the endpoint, such as https://host/v1")
    api_key: SecretRef | None = Field(None, description="reference to the API key, such as secret://model_api_key")
    timeout_seconds: float = Field(60, gt=0, le=3600, description="longest time one model call may take")
    probe_seconds: float | None = Field(
        None,
        ge=60,
        le=86_400,
        description="after so long without a call a worker makes a small one, so that /health/deep knows; it costs what it costs",
    )

    @model_validator(mode="after")
    def complete(self) -> Self:
        """An endpoint needs an address and a key."""
        if self.provider == "openai_compatible" and not (self.base_url and self.api_key):
            message = "openai_compatible needs model.base_url and model.api_key (such as secret://model_api_key)"
            raise ValueError(message)
        return self
