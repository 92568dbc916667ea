"""The Telemetry API, global and of a region: it lets in whoever has an access token, and files spans by their project."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.support.gcp.identity import Identity
from tests.support.gcp.platform import on_gke
from tests.support.otlp_receiver import Asked
from tests.support.telemetry_backend import TIMEOUT_SECONDS, Keys, SettingsUnderTest, context_of
from tests.support.telemetry_backend._vendor import Vendor

from chassis.selected import TelemetryBackendSettings

PROJECT = "my-project"


class TelemetryApi(Vendor):
    """The API, of one project."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.context = context_of(Keys())

    def judge(self, asked: Asked) -> int:
        if not self.identity.accepts(asked.headers.get("authorization", "").removeprefix("Bearer ")):
            return 401
        if asked.path != self.path:
            return 404
        projects = {
            pair.value.string_value
            for spans in asked.batch.resource_spans
            for pair in spans.resource.attributes
            if pair.key == "gcp.project_id"
        }
        return 200 if projects == {PROJECT} else 400

    def rotate(self) -> None:
        self.identity.expired |= set(self.identity.issued)
        self.identity.silent = False

    def revoke(self) -> None:
        self.rotate()
        self.identity.silent = True

    def lose(self) -> None:
        self.revoke()

    def credentials(self) -> Sequence[str]:
        return self.identity.issued


@contextmanager
def api(host: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TelemetryApi]:
    vendor = TelemetryApi(on_gke(directory, monkeypatch))
    with vendor.serving(host, directory, monkeypatch):
        values = {"url": f"https://{host}", "project": PROJECT, "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


BACKENDS = {
    "global": partial(api, "telemetry.googleapis.com"),
    "region": partial(api, "telemetry.europe-west3.rep.googleapis.com"),
}
SETTINGS = SettingsUnderTest(
    good={"url": "https://telemetry.googleapis.com", "project": PROJECT},
    strangers=(
        "https://cloudtrace.googleapis.com",
        "https://telemetry.googleapis.com.example.com",
        "https://telemetry.europe.googleapis.com",
        "https://telemetry.googleapis.com/elsewhere",
    ),
    needed={"project": "project is required"},
)
