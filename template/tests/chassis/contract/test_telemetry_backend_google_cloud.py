"""What only Google Cloud's settings refuse."""

import subprocess
import sys

import pytest
from tests.chassis.unit.test_settings import VALID

from chassis.adapters.telemetry_backend.google_cloud_settings import TelemetryBackendSettings

SCRIPT = """
from chassis.settings_loader import load_settings
from chassis.telemetry.start import start_telemetry
print(start_telemetry(load_settings({environ!r}), "serve", ()).traces.resource.attributes["gcp.project_id"])
"""

GOOD = {"url": "https://telemetry.googleapis.com", "project": "my-project"}


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        "https://cloudtrace.googleapis.com",
        "https://telemetry.googleapis.com.example.com",
        "https://telemetry.europe.googleapis.com",
        "https://telemetry.googleapis.com/elsewhere",
    ],
)
def test_traces_go_to_the_vendor_alone(url: str, environment: str) -> None:
    with pytest.raises(ValueError, match=r"url must be .*; a receiver at http:// is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": url}, context={"environment": environment})


def test_a_receiver_on_a_laptop_is_none_of_production() -> None:
    TelemetryBackendSettings.model_validate({"url": "http://localhost:4318"}, context={"environment": "development"})
    with pytest.raises(ValueError, match="is for development"):
        TelemetryBackendSettings.model_validate({**GOOD, "url": "http://localhost:4318"})


def test_a_project_is_needed_where_there_is_an_address() -> None:
    with pytest.raises(ValueError, match="project is required"):
        TelemetryBackendSettings.model_validate({"url": GOOD["url"]})


def test_every_process_says_whose_its_spans_are() -> None:
    environ = {
        **VALID,
        "CHASSIS__TELEMETRY_BACKEND__URL": GOOD["url"],
        "CHASSIS__TELEMETRY_BACKEND__PROJECT": GOOD["project"],
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(environ=environ)],
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "my-project", done.stderr
