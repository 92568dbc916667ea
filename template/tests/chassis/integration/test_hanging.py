"""A test that hangs is ended and named, and those after it still run: CI shows more than that its time was up."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = """
import asyncio, time

def test_that_hangs():
    time.sleep(60)

async def test_that_waits_for_nothing():
    await asyncio.Event().wait()

def test_after_them():
    pass
"""


def test_tests_that_hang_are_named_and_the_next_one_runs(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    assert float(pytestconfig.getini("timeout")) > 0
    file = tmp_path / "test_patience.py"
    file.write_text(TESTS, encoding="utf-8")
    ours = ["-c", str(pytestconfig.inipath), "--rootdir", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", "--color=no", "-q", *ours, "--timeout", "1", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert "2 failed, 1 passed" in done.stdout, done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    for line, name in zip(failed, ("test_that_hangs", "test_that_waits_for_nothing"), strict=True):
        assert f"test_patience.py::{name}" in line
