"""What only Google Cloud's settings refuse."""

import subprocess
import sys

from tests.chassis.unit.test_settings import VALID
from tests.support.telemetry_backend.google_cloud import SETTINGS

SCRIPT = """
from chassis.settings_loader import load_settings
from chassis.telemetry.start import start_telemetry
print(start_telemetry(load_settings({environ!r}), "serve", ()).traces.resource.attributes["gcp.project_id"])
"""


def test_every_process_says_whose_its_spans_are() -> None:
    environ = {
        **VALID,
        "CHASSIS__TELEMETRY_BACKEND__URL": SETTINGS.good["url"],
        "CHASSIS__TELEMETRY_BACKEND__PROJECT": SETTINGS.good["project"],
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(environ=environ)],
        env={"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "my-project", done.stderr
