"""`secret_backend=env` needs nothing: the settings have defaults, and secrets are variables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def secret_backend_environment(_directory: Path, _environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give no further settings."""
    yield {}
