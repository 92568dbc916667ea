"""What the settings of every telemetry backend have in common: an address without a default, since it decides in which region traces are."""

import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, HttpUrl, ValidationInfo, model_validator

from chassis.settings_types import SettingsGroup, in_production

PATH = "/v1/traces"
"""Where a receiver takes traces ("OTLP/HTTP Request", opentelemetry.io/docs/specs/otlp)."""


def _without_a_credential(url: HttpUrl | None) -> HttpUrl | None:
    if url is not None and (url.username or url.password or url.query or url.fragment):
        message = (
            "must be no more than a scheme, a host and perhaps a path; a credential belongs into the secret backend"
        )
        raise ValueError(message)
    return url


BackendUrl = Annotated[HttpUrl | None, AfterValidator(_without_a_credential)]
"""The address of a backend, never with a credential in it."""


class BackendSettings(SettingsGroup):
    """Where traces go."""

    url: BackendUrl = Field(None, description="the backend's address; without one nothing is sent")
    timeout_seconds: float = Field(5, gt=0, le=30, description="longest time a batch may take, attempts included")

    @property
    def sends(self) -> bool:
        """Whether traces go anywhere."""
        return self.url is not None

    @property
    def endpoint(self) -> str:
        """The whole address that batches are sent to."""
        return f"{str(self.url).rstrip('/')}{PATH}"

    @property
    def resource(self) -> dict[str, str]:
        """What the backend wants to be told of every process, beside what each backend is told."""
        return {}


class VendorSettings(BackendSettings):
    """A backend at its vendor's own address.

    Outside production it can be a receiver on a laptop instead, such as the Jaeger of `make up`: its address begins with
    http://, and it is shown no credential.
    """

    HOSTS: ClassVar[re.Pattern[str]]
    """The vendor's hosts, whole."""
    NAMED: ClassVar[str]
    """The same for people."""

    @property
    def plain(self) -> bool:
        """Whether this is a receiver on a laptop, which no credential is for."""
        return self.url is not None and self.url.scheme == "http"

    @model_validator(mode="after")
    def at_the_vendor(self, info: ValidationInfo) -> Self:
        """Keep traces and credentials from going anywhere else."""
        url = self.url
        if url is None or (self.plain and not in_production(info)):
            return self
        own = url.scheme == "https" and url.port == 443 and url.path in (None, "", "/")  # noqa: PLR2004 - of https
        if not (own and self.HOSTS.fullmatch(url.host or "")):
            message = f"url must be {self.NAMED}; a receiver at http:// is for development"
            raise ValueError(message)
        return self
