"""Where uv is: `uv run` says so, else it is on PATH, else `make` has put it into .tools."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def uv() -> str:
    """Give the program."""
    return os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools/bin/uv")
