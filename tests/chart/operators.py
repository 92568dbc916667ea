"""KEDA's, External Secrets' and the Prometheus operator's own definitions, as npm packages compile them. Needs Node and npm."""

import subprocess
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from shutil import copytree

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("operators_npm")


@cache
def definitions() -> Path:
    """Give the folder where they are, installing them the first time; that needs the network."""
    lock = (SOURCE / "package-lock.json").read_bytes() + (SOURCE / "check.mjs").read_bytes()
    folder = ROOT / ".tools" / f"operators-{sha256(lock).hexdigest()[:12]}"
    if not (folder / "ready").exists():
        print("Installing the definitions of the operators ...", flush=True)
        copytree(SOURCE, folder, dirs_exist_ok=True)
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=folder, check=True)
        (folder / "ready").touch()
    return folder


def operator_faults(folder: Path) -> Iterator[str]:
    """Give what they would not take."""
    command = ["node", "check.mjs", str(folder)]
    done = subprocess.run(command, cwd=definitions(), capture_output=True, text=True, check=True)
    assert "documents are as their operators want them" in done.stderr
    yield from done.stdout.splitlines()
