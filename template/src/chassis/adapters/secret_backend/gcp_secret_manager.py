"""Secrets from Google Cloud Secret Manager, read with the identity that the platform gives this workload.

Statuses: google.rpc.Code. Secret Manager answers FAILED_PRECONDITION when the latest version is disabled or destroyed, and
PERMISSION_DENIED also for a secret that does not exist, where the caller has no right on the whole project.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import google_crc32c
from google.api_core import exceptions, retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from chassis.adapters._gcp_identity import (
    Login,
    StaticCredentialsError,
    channel_of,
    login_trouble,
    platform_credentials,
)
from chassis.adapters.secret_backend.gcp_secret_manager_settings import SecretSettings
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import (
    Secret,
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
)

ATTEMPT_SECONDS = 2.5
# All attempts end before the manager around the backend stops waiting.
AGAIN = retry.Retry(retry.if_exception_type(exceptions.ServiceUnavailable), initial=0.2, maximum=1.0, timeout=4.0)

ABSENT = (exceptions.NotFound, exceptions.FailedPrecondition)


class GcpSecretBackend:
    """Reads the latest version of a secret; logs in at the first read, so that opening needs no server."""

    def __init__(self, settings: SecretSettings) -> None:
        """Take where the secrets are."""
        self._settings = settings
        find = partial(platform_credentials, ATTEMPT_SECONDS, production=settings.production)
        self._login = Login(find, self._connect)

    async def read(self, name: str) -> Secret:
        """Return the version `latest`, which is the newest, after checking that it arrived undamaged.

        How: Secret Manager, "Data integrity assurance": the CRC32C of the data comes with it.
        """
        payload = await asyncio.to_thread(self._read, name)
        if google_crc32c.value(payload.data) != payload.data_crc32c:
            message = f"The secret '{name}' arrived damaged (its checksum differs); try again shortly."
            raise SecretUnavailableError(message)
        try:
            value = payload.data.decode()
        except UnicodeDecodeError:
            message = f"The secret '{name}' holds bytes that are no UTF-8 text; add a version with text."
            raise SecretRefusedError(message) from None
        if not value:
            raise self._not_there(name)
        return Secret(name, value)

    def close(self) -> None:
        """Close the connections."""
        if self._login.opened:
            transport: Any = self._login.opened.transport
            transport.close()

    def _read(self, name: str) -> Any:
        # Without their cause: what the SDK tells of a failed login can repeat what was sent.
        try:
            client = self._login.client()
            try:
                return self._ask(client, name)
            except exceptions.Unauthenticated:
                self._login.forget(client)
                return self._ask(self._login.client(), name)
        except StaticCredentialsError as error:
            raise SecretDeniedError(error.detail) from None
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise self._translated(name, error) from None

    def _ask(self, client: SecretManagerServiceClient, name: str) -> Any:
        version = f"projects/{self._settings.project}/secrets/{self._settings.prefix}{name}/versions/latest"
        return client.access_secret_version(name=version, retry=AGAIN, timeout=ATTEMPT_SECONDS).payload

    def _connect(self, credentials: Any) -> SecretManagerServiceClient:
        host = self._settings.endpoint or SecretManagerServiceGrpcTransport.DEFAULT_HOST
        channel = channel_of(SecretManagerServiceGrpcTransport)
        transport = SecretManagerServiceGrpcTransport(host=host, credentials=credentials, channel=channel)
        return SecretManagerServiceClient(transport=transport)

    def _translated(self, name: str, error: Exception) -> ChassisError:
        secret = f"{self._settings.prefix}{name} in project {self._settings.project}"
        if isinstance(error, ABSENT):
            return self._not_there(name)
        if isinstance(error, exceptions.PermissionDenied):
            message = (
                f"The secret '{name}' may not be read; grant this service's identity the role "
                f"roles/secretmanager.secretAccessor on {secret}, and see that it is there."
            )
            return SecretDeniedError(message)
        trouble = login_trouble(error)
        if trouble:
            return SecretUnavailableError(trouble)
        kind = type(error).__name__
        message = f"Secret Manager cannot give the secret '{name}' now ({kind}); try again shortly."
        return SecretUnavailableError(message)

    def _not_there(self, name: str) -> SecretNotFoundError:
        secret = f"{self._settings.prefix}{name} in project {self._settings.project}"
        message = f"The secret '{name}' is not there; create the secret {secret}, with an enabled latest version."
        return SecretNotFoundError(message)


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; nothing is asked for until the first read."""
    backend = GcpSecretBackend(settings)
    try:
        yield backend
    finally:
        backend.close()
