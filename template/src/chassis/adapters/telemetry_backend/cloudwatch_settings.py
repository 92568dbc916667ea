"""Settings of CloudWatch."""

import re
from typing import ClassVar

from pydantic import Field

from chassis.adapters._aws_settings import AwsIdentitySettings
from chassis.adapters.telemetry_backend._backend_settings import BackendUrl, VendorSettings


class TelemetryBackendSettings(VendorSettings, AwsIdentitySettings):
    """The OTLP endpoint of a region; the role that the platform gives signs."""

    HOSTS: ClassVar[re.Pattern[str]] = re.compile(r"xray\.(?P<region>[a-z]{2,4}(-[a-z]+)+-[0-9])\.amazonaws\.com")
    NAMED: ClassVar[str] = "the OTLP endpoint of a region, such as https://xray.eu-central-1.amazonaws.com"

    url: BackendUrl = Field(
        None,
        description="the OTLP endpoint of a region, such as https://xray.eu-central-1.amazonaws.com; without one nothing is sent",
    )

    @property
    def region(self) -> str | None:
        """The region that the address names; none on a laptop."""
        found = self.HOSTS.fullmatch(self.url.host or "") if self.url and not self.plain else None
        return found["region"] if found else None
