"""Settings of Honeycomb."""

import re
from typing import ClassVar

from pydantic import Field

from chassis.adapters.telemetry_backend._backend_settings import BackendUrl, VendorSettings
from chassis.adapters.telemetry_backend._key_settings import VendorToken


class TelemetryBackendSettings(VendorSettings):
    """Honeycomb, in one of the two regions that it keeps data in."""

    HOSTS: ClassVar[re.Pattern[str]] = re.compile(r"api(\.eu1)?\.honeycomb\.io")
    NAMED: ClassVar[str] = "https://api.eu1.honeycomb.io (EU) or https://api.honeycomb.io (US)"

    url: BackendUrl = Field(
        None,
        description="https://api.eu1.honeycomb.io (EU) or https://api.honeycomb.io (US); without one nothing is sent",
    )
    token: VendorToken = Field(None, description="reference to an ingest key, such as secret://telemetry_token")
