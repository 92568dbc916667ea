"""Settings of an OpenTelemetry collector, or of anything else that takes traces over OTLP/HTTP."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from chassis.adapters.telemetry_backend._backend_settings import BackendSettings, BackendUrl
from chassis.settings_types import SecretRef, in_production


def _over_tls(token: str | None, info: ValidationInfo) -> str | None:
    url = info.data.get("url")
    if token is not None and in_production(info) and (url is None or url.scheme != "https"):
        message = "is shown to what telemetry_backend.url names over https alone, in production"
        raise ValueError(message)
    return token


class TelemetryBackendSettings(BackendSettings):
    """Where traces go."""

    url: BackendUrl = Field(
        None,
        description="the collector's address without /v1/traces, such as http://collector:4318; without one nothing is sent",
    )
    token: Annotated[SecretRef | None, AfterValidator(_over_tls)] = Field(
        None, description="reference to the token that it asks for, such as secret://telemetry_token; over https alone"
    )
    token_header: str = Field(
        "Authorization", pattern=r"\A[A-Za-z][A-Za-z0-9-]{0,63}\z", description="header that holds the token"
    )
    token_prefix: str = Field(
        "Bearer ", pattern=r"\A([A-Za-z-]{1,32} )?\z", description="what stands before the token in its header"
    )
