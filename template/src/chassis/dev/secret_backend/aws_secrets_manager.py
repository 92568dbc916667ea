"""`secret_backend=aws_secrets_manager` starts nothing: the defaults refer to no secret, so AWS is never asked.

Whoever refers to one uses an account of their own: the region, and credentials where the SDK looks for them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

REGION = "CHASSIS__SECRETS__REGION"


@contextmanager
def secret_backend_environment(_directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the region: the environment's own, or any."""
    yield {REGION: environ.get(REGION) or environ.get("AWS_REGION") or "eu-central-1"}
