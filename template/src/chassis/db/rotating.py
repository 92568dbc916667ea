"""The database with credentials that may change at any time."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import psycopg
import structlog

from chassis.ports.database import Connection
from chassis.ports.secrets import Secret, SecretManager, secret_name, with_password
from chassis.settings import DatabaseSettings

log = structlog.get_logger()

PATIENCE_SECONDS = 1.0
"""A password and its secret cannot be changed in one instant: so long a refused connection waits for the other half."""


class RotatingDatabase:
    """Reads the credentials from the secret manager for each new connection."""

    def __init__(self, settings: DatabaseSettings, secrets: SecretManager) -> None:
        """Take the URL and the reference to the password from the settings; without one, the URL is used as it is."""
        self._url = str(settings.url)
        self._secrets = secrets
        self._name = secret_name(settings.password) if settings.password else None

    async def conninfo(self) -> str:
        """Give the connection string; see the port."""
        return conninfo_of(self._url, await self._secrets.get(self._name)) if self._name else self._url

    async def connect(self, attempt: Callable[[str], Awaitable[Connection]]) -> Connection:
        """Connect; see the port.

        libpq gives no SQLSTATE (28P01, 28000) before a connection exists, and its message is in the server's language. It
        does say whether a password was used before the attempt failed, so each such failure is taken for a refusal.
        """
        if self._name is None:
            return await attempt(self._url)
        secret = await self._secrets.get(self._name)
        try:
            return await attempt(conninfo_of(self._url, secret))
        except psycopg.OperationalError as error:
            if error.pgconn is None or not error.pgconn.used_password:
                raise
            renewed = await self._renewed(self._name, secret)
            if renewed is None:
                raise
        log.info("database.credentials_read_anew", secret=self._name)
        return await attempt(conninfo_of(self._url, renewed))

    async def _renewed(self, name: str, rejected: Secret) -> Secret | None:
        """Give other credentials than the rejected ones, if they come soon."""
        for pause in (0.0, PATIENCE_SECONDS):
            await asyncio.sleep(pause)
            self._secrets.invalidate(name, rejected)
            secret = await self._secrets.get(name)
            if secret != rejected:
                return secret
        return None

    def on_rotate(self, callback: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Call back; see the port."""
        if self._name is None:
            return lambda: None

        async def rotated(_secret: Secret) -> None:
            await callback()

        return self._secrets.on_rotate(self._name, rotated)


def conninfo_of(url: str, secret: Secret) -> str:
    """Put a password into the URL; a JSON object with `username` and `password` replaces the user as well.

    That is how AWS keeps the credentials of RDS, and how leased credentials come.
    """
    value = secret.reveal()
    if value.startswith("{"):
        try:
            pair = orjson.loads(value)
            return with_password(url, pair["password"], pair["username"])
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            pass  # a password may begin with a brace
    return with_password(url, value)
