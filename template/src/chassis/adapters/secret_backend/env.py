"""Secrets from mounted files, else from the environment variable CHASSIS_SECRET_<NAME>."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chassis.adapters.secret_backend.env_settings import SecretSettings
from chassis.ports.secrets import Secret, SecretManager, SecretUnavailableError

VARIABLE_PREFIX = "CHASSIS_SECRET_"


class EnvSecretManager:
    """Reads a secret anew each time, so that a rotated file is seen by the next use."""

    def __init__(self, settings: SecretSettings) -> None:
        """Look into the configured directory first, where there is one."""
        self._directory = settings.directory

    async def get(self, name: str) -> Secret:
        """Return the secret; a file's trailing line end is not part of the value."""
        value = await asyncio.to_thread(self._read, name)
        if not value:
            where = f"a file {self._directory / name}, or " if self._directory else ""
            message = f"The secret '{name}' is not there; provide {where}the variable {VARIABLE_PREFIX}{name.upper()}."
            raise SecretUnavailableError(message)
        return Secret(name, value)

    def _read(self, name: str) -> str | None:
        file = self._directory / Path(name).name if self._directory else None
        if file and file.is_file():
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        return os.environ.get(VARIABLE_PREFIX + name.upper())


@asynccontextmanager
async def open_secret_manager(settings: SecretSettings) -> AsyncIterator[SecretManager]:
    """Open the backend."""
    yield EnvSecretManager(settings)
