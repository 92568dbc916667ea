"""Settings of checkpoints that do not depend on where they are kept."""

from pydantic import Field, ValidationInfo, field_validator

from chassis.settings_types import SecretRef, SettingsGroup, in_production


class CheckpointSettings(SettingsGroup):
    """How the agent's state is encrypted, and how much of its history is kept."""

    encryption_key: SecretRef | None = Field(
        None, description="reference to the keys: 32 random bytes in base64 each, the newest first"
    )
    accept_unencrypted: bool = Field(
        False, description="also read what was written before there was a key; for as long as such threads matter"
    )
    keep_last: int = Field(
        10, ge=1, le=10_000, description="checkpoints kept of a thread, the present one included; older ones are pruned"
    )
    keep_days: float = Field(30, gt=0, le=36_500, description="older checkpoints are pruned, except a thread's last")

    @field_validator("encryption_key")
    @classmethod
    def encrypt_in_production(cls, reference: str | None, info: ValidationInfo) -> str | None:
        """Keep what people tell the agent unreadable for whoever reads the store."""
        if in_production(info) and reference is None:
            message = "is required in production; put a key into the secret backend, such as secret://checkpoint_key"
            raise ValueError(message)
        return reference
