"""Everything that can be done to the service, once in a random order: nothing is lost, nothing repeated."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_nothing_is_lost_and_nothing_repeated() -> None:
    """`make chaos`, as short as it gets; it does each thing once, however few seconds it is given."""
    command = [sys.executable, "-m", "tests.chaos", "--seconds", os.environ.get("CHAOS_SECONDS", "1")]
    seed = os.environ.get("SEED")
    done = subprocess.run(
        [*command, *(["--seed", seed] if seed else [])], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 repeated" in done.stdout
