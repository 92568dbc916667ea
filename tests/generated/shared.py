"""One folder and one environment for the projects of many combinations, so that tools keep what they know.

The environment has the packages of all choices. In the folder only the files that differ are written from one
combination to the next, so that mypy and the import graph start from their caches.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.copier_cli import ROOT
from tests.generated.project import user_environment
from tests.render import File
from tests.uv import uv

ENVIRONMENTS = ROOT / "build/environments"


@dataclass(frozen=True)
class SharedProject:
    """A folder that becomes the project of one combination after another."""

    folder: Path
    environment: Path

    def place(self, project: Mapping[str, File]) -> None:
        """Make the folder hold this project and nothing else, but for what the tools keep there."""
        kept = (".mypy_cache", ".import_linter_cache", "__pycache__")
        for path in list(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            if path.is_file() and str(relative) not in project and not set(kept).intersection(relative.parts):
                path.unlink()
        for name, file in project.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() or place.read_bytes() != file.content:
                place.write_bytes(file.content)
            place.chmod(file.mode)

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment there."""
        environment = user_environment() | {"PYTHONPATH": "src:.", "VIRTUAL_ENV": str(self.environment)}
        return subprocess.run(
            [str(self.environment / "bin" / command), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )


def environment_of(projects: Iterable[Mapping[str, File]]) -> Path:
    """Install the packages of all these projects, at the tested versions, into one environment; keep it."""
    declared: set[str] = set()
    constraints: list[str] = []
    for project in projects:
        pyproject = tomllib.loads(project["pyproject.toml"].content.decode())
        declared |= {*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]}
        constraints = sorted(pyproject["tool"]["uv"]["constraint-dependencies"])
    table = f'[project]\nname = "all"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = {_array(declared)}\n'
    wanted = f"{table}\n[tool.uv]\nconstraint-dependencies = {_array(constraints)}\n"
    digest = hashlib.sha256(wanted.encode() + sys.version.encode()).hexdigest()[:16]
    folder = ENVIRONMENTS / digest
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(wanted)
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        subprocess.run([uv(), "sync", "--quiet", "--python", sys.executable], cwd=folder, env=environment, check=True)
        (folder / ".ready").touch()
    return folder / ".venv"


def _array(texts: Iterable[str]) -> str:
    items = "".join(f"  {_toml(one)},\n" for one in sorted(texts))
    return f"[\n{items}]"


def _toml(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
