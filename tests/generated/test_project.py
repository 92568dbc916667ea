"""Calling a project's make: what hangs is ended, and its last words are shown."""

import subprocess
from pathlib import Path

import pytest

from tests.generated.project import heed_interrupts, make


def test_what_hangs_is_ended_with_all_that_it_started_and_says_where_it_was(tmp_path: Path) -> None:
    heed_interrupts()
    (tmp_path / "Makefile").write_text("hang:\n\t@echo so far; sleep 271 & sleep 271\n")
    with pytest.raises(AssertionError, match=r"make --no-print-directory hang took longer than 1 s\.\nso far"):
        make(tmp_path, "hang", seconds=1)
    listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 271" not in listed.splitlines()
