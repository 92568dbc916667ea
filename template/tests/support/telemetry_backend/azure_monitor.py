"""A data collection endpoint, which lets in whoever has a token of Entra ID for Azure Monitor."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.azure.identity import Identities
from tests.support.azure.server import Server
from tests.support.otlp_receiver import Asked
from tests.support.telemetry_backend import TIMEOUT_SECONDS, Keys, SettingsUnderTest, context_of
from tests.support.telemetry_backend._vendor import Vendor

from chassis.adapters._azure_identity import PLATFORM_VARIABLES
from chassis.adapters._azure_settings import STATIC_CREDENTIALS
from chassis.selected import TelemetryBackendSettings

HOST = "traces-1a2b.westeurope-1.ingest.monitor.azure.com"
RULE = "dcr-0123456789abcdef0123456789abcdef"


class Endpoint(Vendor):
    """One data collection rule."""

    path = f"/datacollectionRules/{RULE}/streams/Microsoft-OTLP-Traces/otlp/v1/traces"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._given: list[str] = []
        self.identities = Identities("https://monitor.azure.com", self._given.append)
        self.context = context_of(Keys())
        self._monkeypatch = monkeypatch

    def judge(self, asked: Asked) -> int:
        if not self.identities.knows(asked.headers.get("authorization", "").removeprefix("Bearer ")):
            return 401
        return 200 if asked.path == self.path else 404

    def rotate(self) -> None:
        self.identities.revoke()
        self.identities.accepts_no_token = False
        self._monkeypatch.setenv("IDENTITY_HEADER", self.identities.header)

    def revoke(self) -> None:
        self.identities.accepts_no_token = True

    def lose(self) -> None:
        self.revoke()
        self._monkeypatch.setenv("IDENTITY_HEADER", "of yesterday")

    def credentials(self) -> Sequence[str]:
        return [*self._given, self.identities.header]


@contextmanager
def endpoint(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in (*PLATFORM_VARIABLES, *STATIC_CREDENTIALS):
        monkeypatch.delenv(name, raising=False)
    vendor = Endpoint(monkeypatch)
    with vendor.serving(HOST, directory, monkeypatch), Server(vendor.identities.endpoint).serving() as platform:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{platform.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", vendor.identities.header)
        values = {"url": f"https://{HOST}", "rule_id": RULE, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


BACKENDS = {"endpoint": endpoint}
SETTINGS = SettingsUnderTest(
    good={"url": f"https://{HOST}", "rule_id": RULE},
    strangers=(
        "https://westeurope-1.ingest.monitor.azure.com",
        "https://traces-1a2b.westeurope-1.metrics.ingest.monitor.azure.com",
        "https://traces-1a2b.westeurope-1.ingest.monitor.azure.com.example.com",
        "https://dc.services.visualstudio.com",
    ),
    needed={"rule_id": "rule_id is required"},
)
