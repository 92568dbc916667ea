"""`secret_backend=gcp_secret_manager` starts nothing: the defaults refer to no secret, so Google Cloud is never asked.

Whoever refers to one uses a project of their own: its id, and credentials where the SDK looks for them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROJECT = "CHASSIS__SECRETS__PROJECT"


@contextmanager
def secret_backend_environment(_directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the project: the environment's own, or any."""
    yield {PROJECT: environ.get(PROJECT) or environ.get("GOOGLE_CLOUD_PROJECT") or "my-project"}
