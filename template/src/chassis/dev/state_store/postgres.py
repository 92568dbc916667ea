"""`state_store=postgres` needs nothing but the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def state_store_environment(_directory: Path, _environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give no further settings."""
    yield {}
