"""A broker of the tests' own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.support.queue import new_broker


@pytest.fixture
def broker() -> Iterator[Any]:
    """One that runs, with nothing in it; a test may leave it stopped."""
    with TemporaryDirectory(prefix="chassis-broker-", ignore_cleanup_errors=True) as directory:
        broker = new_broker(Path(directory))
        yield broker
        broker.stop()
