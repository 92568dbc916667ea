"""Settings of Datadog."""

import re
from typing import ClassVar

from pydantic import Field

from chassis.adapters.telemetry_backend._backend_settings import BackendUrl, VendorSettings
from chassis.adapters.telemetry_backend._key_settings import VendorToken


class TelemetryBackendSettings(VendorSettings):
    """The OTLP intake of a Datadog site, which is where the data stays."""

    HOSTS: ClassVar[re.Pattern[str]] = re.compile(r"otlp\.(datadoghq\.eu|((us3|us5|ap1|ap2)\.)?datadoghq\.com)")
    NAMED: ClassVar[str] = "the OTLP intake of a Datadog site, such as https://otlp.datadoghq.eu"

    url: BackendUrl = Field(
        None,
        description="the site's OTLP intake, such as https://otlp.datadoghq.eu; without one nothing is sent",
    )
    token: VendorToken = Field(None, description="reference to an API key, such as secret://telemetry_token")
