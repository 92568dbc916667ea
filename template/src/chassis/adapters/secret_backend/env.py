"""Secrets from mounted files, else from the environment variable CHASSIS_SECRET_<NAME>."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chassis.adapters.secret_backend.env_settings import SecretSettings
from chassis.ports.secrets import Secret, SecretBackend, SecretDeniedError, SecretNotFoundError

VARIABLE_PREFIX = "CHASSIS_SECRET_"


class EnvSecretBackend:
    """Reads a file or a variable anew each time, so that a rotated file is seen."""

    def __init__(self, settings: SecretSettings) -> None:
        """Look into the configured directory first, where there is one."""
        self._directory = settings.directory

    async def read(self, name: str) -> Secret:
        """Return the secret; a file's trailing line end is not part of the value."""
        value = await asyncio.to_thread(self._read, name)
        if not value:
            where = f"a file {self._directory / name}, or " if self._directory else ""
            message = f"The secret '{name}' is not there; provide {where}the variable {VARIABLE_PREFIX}{name.upper()}."
            raise SecretNotFoundError(message)
        return Secret(name, value)

    def _read(self, name: str) -> str | None:
        file = self._directory / Path(name).name if self._directory else None
        if file and file.is_file():
            try:
                return file.read_text(encoding="utf-8").rstrip("\r\n")
            except PermissionError as error:
                message = f"The secret '{name}' may not be read; let the service's user read {file}."
                raise SecretDeniedError(message) from error
        return os.environ.get(VARIABLE_PREFIX + name.upper())


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend."""
    yield EnvSecretBackend(settings)
