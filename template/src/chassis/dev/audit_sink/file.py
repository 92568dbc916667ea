"""`audit_sink=file` on a laptop: a file beside the other scratch data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATH = "CHASSIS__AUDIT_SINK__PATH"


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that names the file, unless the environment has one."""
    yield {PATH: environ.get(PATH, str(directory / "audit.jsonl"))}
