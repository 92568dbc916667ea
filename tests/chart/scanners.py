"""Checkov and Trivy, in an environment of their own: their packages go with nobody else's. `scanners.txt` locks them by hash."""

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.uv import uv

ROOT = Path(__file__).parents[2]
LOCKED = Path(__file__).with_name("scanners.txt")
REGISTRIES = Path(__file__).with_name("trivy")
"""Trivy's check KSV-0125 wants to be told whose images are trusted: those that the values name."""


@cache
def programs() -> Path:
    """Give the folder with the programs, installing them the first time; that needs the network."""
    folder = ROOT / ".tools" / f"scanners-{sha256(LOCKED.read_bytes()).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        print("Installing checkov and Trivy ...", flush=True)
        subprocess.run([uv(), "venv", "--quiet", "--clear", folder], check=True)
        install: list[str | Path] = [
            uv(),
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--python",
            folder,
            "-r",
            LOCKED,
        ]
        subprocess.run(install, check=True)
        (folder / "ready").touch()
    return folder / "bin"


def checkov(folder: Path) -> Iterator[str]:
    """Give every check that failed or was skipped, and what could not be read."""
    command: list[str | Path] = [
        programs() / "checkov",
        "-d",
        folder,
        "--framework",
        "kubernetes",
        "--compact",
        "--quiet",
        "-o",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["summary"]["passed"] > 0
    for outcome in ("failed_checks", "skipped_checks"):
        for one in found["results"].get(outcome, ()):
            yield f"checkov {one['check_id']} {one['check_name']}: {one['resource']}"
    if found["summary"]["parsing_errors"]:
        yield f"checkov could not read {found['summary']['parsing_errors']} documents"


def trivy(folder: Path) -> Iterator[str]:
    """Give every misconfiguration of whatever severity."""
    command: list[str | Path] = [
        programs() / "trivy",
        "config",
        "--skip-version-check",
        "--quiet",
        "--config-data",
        REGISTRIES,
    ]
    done = subprocess.run([*command, "--format", "json", folder], capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)["Results"]
    assert len(results) >= len(list(folder.iterdir())), "Trivy did not read all of them"
    for result in results:
        for one in result.get("Misconfigurations", ()):
            yield f"Trivy {one['ID']} {one['Title']}: {one['Message']}"
