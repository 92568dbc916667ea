"""uv comes along on a machine that has nothing but Python, pip or not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.copier_cli import ROOT

TOOL = ROOT / "template/tools/install_uv.py"
WITHOUT_PIP = f"""
import runpy, sys
tool = runpy.run_path({str(TOOL)!r})
tool["from_index"](__import__("pathlib").Path(sys.argv[1]) / "bin")
"""


def version(target: Path) -> str:
    return subprocess.run([target / "bin/uv", "--version"], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_with_pip(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", TOOL, tmp_path], check=True)
    assert version(tmp_path).startswith("uv ")


@pytest.mark.slow
def test_without_pip_from_the_index_and_checked(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", "-c", WITHOUT_PIP, tmp_path], check=True)
    assert version(tmp_path).startswith("uv ")


def test_an_old_python_is_one_sentence(tmp_path: Path) -> None:
    script = f"import sys; sys.version_info = (3, 9); import runpy; runpy.run_path({str(TOOL)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-B", "-c", script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("This project needs Python 3.11 or newer")
    assert "Traceback" not in done.stderr
