"""`queue=database` needs nothing but the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def queue_environment(_directory: Path, _environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give no further settings."""
    yield {}
