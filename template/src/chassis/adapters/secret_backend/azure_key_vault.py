"""Secrets from an Azure Key Vault, read as the identity that the platform gives this service."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.identity import CredentialUnavailableError
from azure.keyvault.secrets import KeyVaultSecret, SecretClient

from chassis.adapters._azure_identity import RETRIES, NoAzureIdentityError, platform_identity
from chassis.adapters.secret_backend.azure_key_vault_settings import KEY_VAULT_SUFFIXES, SecretSettings
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import Secret, SecretBackend, SecretDeniedError, SecretNotFoundError, SecretUnavailableError

log = structlog.get_logger()

CONNECT_SECONDS = 2
READ_SECONDS = 4
LONGEST_NAME = 127
ROLE = "Key Vault Secrets User"
TRY_AGAIN = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)
"""A token or a federated token that is worth nothing any more; Microsoft Entra ID says 400 or 401, Key Vault 401."""


class KeyVaultSecretBackend:
    """Reads the current version of a secret, every time from the vault."""

    def __init__(self, settings: SecretSettings, transport: HttpTransport[Any, Any]) -> None:
        """Take what to read and the connections to use; nothing is asked yet."""
        self._settings = settings
        self._transport = transport
        self._host = settings.vault_url.host or ""
        self._client: SecretClient | None = None
        self._lock = threading.Lock()

    async def read(self, name: str) -> Secret:
        """Return the secret; a name's `_` is `-` in the vault, whose names know only 0-9, a-z, A-Z and -."""
        return await asyncio.to_thread(self._read, name)

    def _read(self, name: str) -> Secret:
        key = self._settings.prefix + name.replace("_", "-")
        if len(key) > LONGEST_NAME:
            message = (
                f"The secret '{name}' cannot be in a Key Vault, where a name has at most {LONGEST_NAME} characters."
            )
            raise SecretNotFoundError(message)
        with self._translated(name, key):
            found = self._get(key)
        if not found.value:  # which a Key Vault does store
            raise self._absent(name, key)
        _warn_outside_dates(name, found)
        return Secret(name, found.value)

    def _get(self, key: str) -> KeyVaultSecret:
        client = self._current()
        try:
            return client.get_secret(key)
        except ClientAuthenticationError as error:
            # The client asks its credential for another token, but that answers from its memory until the token ends:
            # measured, a revoked token is sent twice and no other is asked for. So begin anew, once.
            if error.status_code not in TRY_AGAIN:
                raise
        return self._current(rejected=client).get_secret(key)

    def _current(self, rejected: SecretClient | None = None) -> SecretClient:
        """Give the client; a new one with a new login in place of the rejected one."""
        with self._lock:
            if self._client is None or self._client is rejected:
                self._client = SecretClient(
                    str(self._settings.vault_url),
                    platform_identity(self._settings.client_id, self._transport),
                    transport=self._transport,
                    # What stands in for a vault, which production refuses, has no name below the resource's.
                    verify_challenge_resource=self._host.endswith(KEY_VAULT_SUFFIXES),
                    **RETRIES,
                )
            return self._client

    @contextmanager
    def _translated(self, name: str, key: str) -> Iterator[None]:
        try:
            yield
        except NoAzureIdentityError as error:
            message = f"The secret '{name}' cannot be read: {error.detail}"
            raise SecretDeniedError(message) from error
        except CredentialUnavailableError as error:  # which also an endpoint gives that is only out of order
            message = (
                f"The secret '{name}' cannot be read: the identity endpoint gives no token; if that stays so, assign the "
                "identity to this app, and set secrets.client_id if it is a user-assigned one."
            )
            raise SecretUnavailableError(message) from error
        except HttpResponseError as error:
            raise self._refused(name, key, error) from error
        except (AzureError, OSError) as error:
            message = f"The secret '{name}' cannot be read: no connection to {self._host}, or to what gives its tokens."
            raise SecretUnavailableError(message) from error
        except ValueError as error:  # the client's check of the challenge, before it sends a token
            message = (
                f"The secret '{name}' cannot be read: {self._host} does not answer as a Key Vault; check vault_url."
            )
            raise SecretDeniedError(message) from error

    def _refused(self, name: str, key: str, error: HttpResponseError) -> ChassisError:
        """Say what an answer means; its text is not passed on, since it names subscriptions and callers.

        Microsoft, "Azure Key Vault REST API error codes" (learn.microsoft.com/azure/key-vault/general/rest-error-codes). A
        disabled secret is a 403 with the inner code SecretDisabled, as github.com/Azure/azure-sdk-for-js/issues/24756 shows.
        """
        code = error.error.code if error.error else None
        inner = error.error.innererror if error.error else None
        status = error.status_code
        if status == HTTPStatus.NOT_FOUND and code == "SecretNotFound":
            return self._absent(name, key)
        if status == HTTPStatus.FORBIDDEN and inner and inner.get("code") == "SecretDisabled":
            message = f"The secret '{name}' is disabled; enable {key} in the Key Vault {self._host}, or add a version."
            return SecretDeniedError(message)
        if status == HTTPStatus.FORBIDDEN:
            message = (
                f"The secret '{name}' may not be read; give this service's identity the role {ROLE} on the Key Vault "
                f"{self._host}, and let the vault's network rules admit it."
            )
            return SecretDeniedError(message)
        if isinstance(error, ClientAuthenticationError) and (status is None or status in TRY_AGAIN):
            message = (
                f"The secret '{name}' may not be read: the login of this service is refused; check that its identity is of "
                f"the Key Vault {self._host}'s tenant, and the federated credential's issuer and subject."
            )
            return SecretDeniedError(message)
        message = f"The secret '{name}' cannot be read: {self._host}, or what gives its tokens, answers {status}."
        return SecretUnavailableError(message)

    def _absent(self, name: str, key: str) -> SecretNotFoundError:
        message = f"The secret '{name}' is not there; create it as {key} in the Key Vault {self._host}."
        return SecretNotFoundError(message)


def _warn_outside_dates(name: str, found: KeyVaultSecret) -> None:
    """Tell of a secret outside its dates, which is used: they inform, and `get` works outside of them.

    Microsoft, "About Azure Key Vault secrets", "Date-time controlled operations"
    (learn.microsoft.com/azure/key-vault/secrets/about-secrets).
    """
    now = datetime.fromtimestamp(time.time(), UTC)
    expires, begins = found.properties.expires_on, found.properties.not_before
    if (expires is not None and expires <= now) or (begins is not None and begins > now):
        log.warning("secrets.outside_its_dates", secret=name, not_before=begins, expires=expires)


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; no server is needed until a secret is."""
    transport = RequestsTransport(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    transport.open()
    try:
        yield KeyVaultSecretBackend(settings, transport)
    finally:
        await asyncio.to_thread(transport.close)
