"""Types shared by the settings groups."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationInfo

Environment = Literal["development", "test", "production"]

SecretRef = Annotated[str, StringConstraints(pattern=r"\Asecret://[a-z][a-z0-9_]*\z")]
"""A reference to a secret, such as `secret://database_password`; the value never appears in settings."""


class SettingsGroup(BaseModel):
    """A group of settings, one level below the root: `queue.url` is CHASSIS__QUEUE__URL in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


def in_production(info: ValidationInfo) -> bool:
    """Say, inside a validator, whether the settings being validated are those of production (the default)."""
    context: dict[str, Any] = info.context or {}
    return context.get("environment") not in ("development", "test")  # a mistyped one is strict, too


def without_password(setting: str) -> AfterValidator:
    """Refuse, in production, a URL with a password in it: URLs are logged, dumped and shown by orchestrators.

    setting: where a reference to the password belongs instead, such as `queue.password`.
    """

    def refuse(url: Any, info: ValidationInfo) -> Any:
        if in_production(info) and urlsplit(str(url)).password:
            message = f"must not contain a password in production; put it in the secret backend and set {setting}"
            raise ValueError(message)
        return url

    return AfterValidator(refuse)
