"""What the settings of every collector have in common."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, ValidationInfo

from chassis.settings_types import SecretRef, SettingsGroup, in_production


def _collector_url(url: HttpUrl, info: ValidationInfo) -> HttpUrl:
    if url.username or url.password or url.query or url.fragment:
        message = (
            "must be no more than https://, a host and perhaps a path; the credential belongs into the secret backend"
        )
        raise ValueError(message)
    if in_production(info) and url.scheme != "https":
        message = "must begin with https:// in production"
        raise ValueError(message)
    return url


def _needed_in_production(reference: str | None, info: ValidationInfo) -> str | None:
    if in_production(info) and reference is None:
        message = "is required in production; put it into the secret backend, such as secret://audit_sink_token"
        raise ValueError(message)
    return reference


CollectorUrl = Annotated[HttpUrl, AfterValidator(_collector_url)]
"""The address of a collector: never with a credential in it, and in production never without TLS."""

CollectorToken = Annotated[SecretRef | None, AfterValidator(_needed_in_production)]
"""A reference to what the collector knows this service by; a laptop's collector knows everybody."""


class CollectorSettings(SettingsGroup):
    """How a collector is called."""

    timeout_seconds: float = Field(10, gt=0, le=10, description="longest time one call to the collector may take")
