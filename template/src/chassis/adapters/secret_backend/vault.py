"""Secrets from HashiCorp Vault or OpenBao: one entry a secret in a KV engine (version 2), and leased database credentials."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hvac.exceptions import Forbidden, InvalidPath, Unauthorized

from chassis.adapters._vault_leases import DatabaseLeases
from chassis.adapters._vault_session import VaultSession
from chassis.adapters.secret_backend.vault_settings import SecretSettings
from chassis.ports.secrets import Secret, SecretBackend, SecretDeniedError, SecretNotFoundError

DATABASE_CREDENTIALS = "database_credentials"
"""The one name that the database engine answers for, where `database_role` is set."""


class VaultSecretBackend:
    """Reads the field `value` of an entry, or its `username` and `password` together as JSON."""

    def __init__(self, settings: SecretSettings, session: VaultSession) -> None:
        """Take where secrets lie, and how to ask for them; nothing is sent before the first read."""
        self._settings = settings
        self._session = session
        self._leases = DatabaseLeases(session, settings) if settings.database_role else None

    async def read(self, name: str) -> Secret:
        """Return the secret; see the port."""
        if self._leases is not None and name == DATABASE_CREDENTIALS:
            return await asyncio.to_thread(self._leases.read, name)
        return await asyncio.to_thread(self._read, name)

    def _read(self, name: str) -> Secret:
        mount, path = self._settings.mount, self._settings.prefix + name
        absent = SecretNotFoundError(
            f"The secret '{name}' is not there; provide it with `vault kv put -mount={mount} {path} value=...`."
        )
        denied = SecretDeniedError(
            f"The secret '{name}' may not be read; a policy must let this service read {mount}/data/{path}."
        )
        with self._session.errors({InvalidPath: absent, Forbidden: denied, Unauthorized: denied}):
            answer, _ = self._session.ask(
                lambda client: client.secrets.kv.v2.read_secret_version(
                    path, mount_point=mount, raise_on_deleted_version=True
                )
            )
            value = _value(answer["data"]["data"])
        if not value:
            raise absent
        return Secret(name, value)


def _value(entry: dict[str, Any]) -> str | None:
    value = entry.get("value")
    if isinstance(value, str):
        return value
    pair = {part: entry.get(part) for part in ("username", "password")}
    return json.dumps(pair) if all(isinstance(part, str) and part for part in pair.values()) else None


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; it logs in when the first secret is read, and out in the end."""
    session = VaultSession(settings)
    try:
        yield VaultSecretBackend(settings, session)
    finally:
        await asyncio.to_thread(session.close)
