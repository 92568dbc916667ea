"""Settings of an OpenTelemetry collector, or of anything else that takes traces over OTLP/HTTP."""

from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl, ValidationInfo

from chassis.settings_types import SecretRef, SettingsGroup, in_production


def _collector_url(url: HttpUrl | None) -> HttpUrl | None:
    if url is None:
        return url
    if url.username or url.password or url.query or url.fragment:
        message = (
            "must be no more than a scheme, a host and perhaps a path; a credential belongs into the secret backend"
        )
        raise ValueError(message)
    return url


def _over_tls(token: str | None, info: ValidationInfo) -> str | None:
    url = info.data.get("url")
    if token is not None and in_production(info) and (url is None or url.scheme != "https"):
        message = "is shown to what telemetry_backend.url names over https alone, in production"
        raise ValueError(message)
    return token


class TelemetryBackendSettings(SettingsGroup):
    """Where traces go."""

    url: Annotated[HttpUrl | None, AfterValidator(_collector_url)] = Field(
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
    timeout_seconds: float = Field(5, gt=0, le=30, description="longest time a batch may take, attempts included")

    @property
    def sends(self) -> bool:
        """Whether traces go anywhere."""
        return self.url is not None
