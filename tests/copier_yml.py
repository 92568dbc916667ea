"""copier.yml of this template: as it is written, and as the matrix of its answers."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.copier_cli import ROOT
from tests.copier_inside import CopierInside
from tests.matrix import Matrix


@cache
def configuration() -> dict[str, Any]:
    """Give copier.yml as a mapping."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text())
    return loaded


def questions() -> dict[str, dict[str, Any]]:
    """Give every question, the computed ones included."""
    return {name: value for name, value in configuration().items() if not name.startswith("_")}


@cache
def matrix() -> Matrix:
    """Give the matrix of the questions alone, cheap enough to name tests by; see the fixture `plan` for files."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "copier.yml").write_bytes((ROOT / "copier.yml").read_bytes())
        pins = Path(configuration()["_subdirectory"]) / "uv.toml"  # a validator reads it
        (Path(folder) / pins).parent.mkdir()
        (Path(folder) / pins).write_bytes((ROOT / pins).read_bytes())
        return Matrix(CopierInside.of(Path(folder)))
