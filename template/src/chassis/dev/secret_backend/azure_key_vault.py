"""`secret_backend=azure_key_vault` on a laptop: no vault. The defaults refer to no secret, so none is asked for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

URL = "CHASSIS__SECRETS__VAULT_URL"
NOWHERE = "https://key-vault.invalid"
"""A name that never resolves (RFC 2606), so that a reference without a vault is an error that says so."""


@contextmanager
def secret_backend_environment(_directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that points to the environment's own vault, or to none."""
    yield {URL: environ.get(URL, NOWHERE)}
