"""Settings of the development principal."""

from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from chassis.settings_types import SettingsGroup, in_production


class IdentitySettings(SettingsGroup):
    """A principal that stands in for real identity on a laptop and in tests."""

    tenant_id: str = Field(
        "development", min_length=1, max_length=64, description="tenant of the development principal"
    )
    subject: str = Field("developer", min_length=1, max_length=128, description="id of the development principal")
    role: str = Field("admin", min_length=1, max_length=64, description="role of the development principal")

    @model_validator(mode="after")
    def refuse_in_production(self, info: ValidationInfo) -> Self:
        """Nobody may be let in without credentials where it matters."""
        if in_production(info):
            message = (
                "the development principal is refused in production, and this version of the template ships no other "
                "identity yet; set CHASSIS__ENVIRONMENT=development on a laptop, and do not expose this service"
            )
            raise ValueError(message)
        return self
