"""Settings of Google Cloud's Telemetry API."""

import re
from typing import ClassVar, Self

from pydantic import Field, model_validator

from chassis.adapters._gcp_settings import PROJECT, GcpSettings
from chassis.adapters.telemetry_backend._backend_settings import BackendUrl, VendorSettings


class TelemetryBackendSettings(VendorSettings, GcpSettings):
    """The Telemetry API and the project whose traces these are; the platform's identity logs in."""

    HOSTS: ClassVar[re.Pattern[str]] = re.compile(r"telemetry(\.[a-z]+-[a-z]+[0-9]+\.rep)?\.googleapis\.com")
    NAMED: ClassVar[str] = "https://telemetry.googleapis.com or https://telemetry.<region>.rep.googleapis.com"

    url: BackendUrl = Field(
        None,
        description="https://telemetry.googleapis.com, which is in no region, or https://telemetry.<region>.rep.googleapis.com; "
        "without one nothing is sent",
    )
    project: str | None = Field(None, pattern=PROJECT, description="id of the project whose traces these are")

    @property
    def resource(self) -> dict[str, str]:
        """What names the project; see the base."""
        return {"gcp.project_id": self.project} if self.project else {}

    @model_validator(mode="after")
    def whole(self) -> Self:
        """Notice at the start what the first batch would fail at."""
        if self.sends and not self.plain and self.project is None:
            message = "project is required with this url: the id of the project whose traces these are"
            raise ValueError(message)
        return self
