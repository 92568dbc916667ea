"""Settings of a Jaeger for development."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, ValidationInfo

from chassis.adapters.telemetry_backend._backend_settings import BackendSettings, BackendUrl
from chassis.settings_types import in_production


def _not_in_production(url: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
    if url is not None and in_production(info):
        message = (
            "must not be set in production: Jaeger takes traces from everybody and shows them to everybody; "
            "take another telemetry_backend (docs/telemetry-jaeger.md)"
        )
        raise ValueError(message)
    return url


class TelemetryBackendSettings(BackendSettings):
    """Where traces go, in development."""

    url: Annotated[BackendUrl, AfterValidator(_not_in_production)] = Field(
        None,
        description="Jaeger's address without /v1/traces, such as http://localhost:4318; without one nothing is sent",
    )
