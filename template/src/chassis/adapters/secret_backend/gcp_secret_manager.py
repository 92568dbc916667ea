"""Secrets from Google Cloud Secret Manager, read with the identity that the platform gives this workload.

Statuses: google.rpc.Code. Secret Manager answers FAILED_PRECONDITION when the latest version is disabled or destroyed, and
PERMISSION_DENIED also for a secret that does not exist, where the caller has no right on the whole project.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import google.auth
import google_crc32c
from google.api_core import exceptions, retry
from google.auth.credentials import with_scopes_if_required
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from chassis.adapters.secret_backend.gcp_secret_manager_settings import STATIC, SecretSettings
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import (
    Secret,
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
)

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ATTEMPT_SECONDS = 2.5
# All attempts end before the manager around the backend stops waiting.
AGAIN = retry.Retry(retry.if_exception_type(exceptions.ServiceUnavailable), initial=0.2, maximum=1.0, timeout=4.0)
# gRPC's own pause between connections grows to two minutes (gRPC, "Connection Backoff Protocol"), which would outlast an
# outage by as much; measured after 40 s without a server: 3.7 s until the next answer with that, 0.8 s with this.
RECONNECT = ("grpc.max_reconnect_backoff_ms", 1000)

ABSENT = (exceptions.NotFound, exceptions.FailedPrecondition)


class GcpSecretBackend:
    """Reads the latest version of a secret; logs in at the first read, so that opening needs no server."""

    def __init__(self, settings: SecretSettings) -> None:
        """Take where the secrets are."""
        self._settings = settings
        self._lock = threading.Lock()
        self._client: SecretManagerServiceClient | None = None

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
        if self._client is not None:
            transport: Any = self._client.transport
            transport.close()

    def _read(self, name: str) -> Any:
        # Without their cause: what the SDK tells of a failed login can repeat what was sent.
        try:
            client = self._log_in()
            try:
                return self._ask(client, name)
            except exceptions.Unauthenticated:
                self._forget(client)
                return self._ask(self._log_in(), name)
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise self._translated(name, error) from None

    def _ask(self, client: SecretManagerServiceClient, name: str) -> Any:
        version = f"projects/{self._settings.project}/secrets/{self._settings.prefix}{name}/versions/latest"
        return client.access_secret_version(name=version, retry=AGAIN, timeout=ATTEMPT_SECONDS).payload

    def _log_in(self) -> SecretManagerServiceClient:
        """Give the client; the first one, and each after a refused login, takes the platform's credentials anew."""
        with self._lock:
            if self._client is None:
                # Scopes come after: with them, a federation's project is asked for, from an API that need not be reachable.
                found, _ = google.auth.default()
                if self._settings.production:
                    _refuse_static(found)
                credentials: Any = with_scopes_if_required(found, [SCOPE])  # type: ignore[no-untyped-call]
                # Now and here: of reads that began together, each would fetch a token of its own.
                credentials.refresh(partial(Request(), timeout=ATTEMPT_SECONDS))
                host = self._settings.endpoint or SecretManagerServiceGrpcTransport.DEFAULT_HOST
                transport = SecretManagerServiceGrpcTransport(host=host, credentials=credentials, channel=_channel)
                self._client = SecretManagerServiceClient(transport=transport)
            return self._client

    def _forget(self, client: SecretManagerServiceClient) -> None:
        """Drop a client without closing it, which would cut off the reads of others."""
        with self._lock:
            if client is self._client:  # another read may have logged in anew already
                self._client = None

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
        if isinstance(error, exceptions.Unauthenticated):
            message = "Google Cloud refuses this service's credentials, also new ones; check its identity and clock."
            return SecretUnavailableError(message)
        kind = type(error).__name__
        if isinstance(error, GoogleAuthError):
            message = f"The platform gives this service no credentials ({kind}); bind an identity (docs/cloud-gcp.md)."
            return SecretUnavailableError(message)
        message = f"Secret Manager cannot give the secret '{name}' now ({kind}); try again shortly."
        return SecretUnavailableError(message)

    def _not_there(self, name: str) -> SecretNotFoundError:
        secret = f"{self._settings.prefix}{name} in project {self._settings.project}"
        message = f"The secret '{name}' is not there; create the secret {secret}, with an enabled latest version."
        return SecretNotFoundError(message)


def _channel(host: str, *, options: list[tuple[str, Any]], **rest: Any) -> Any:
    return SecretManagerServiceGrpcTransport.create_channel(host, options=[*options, RECONNECT], **rest)


def _refuse_static(credentials: object) -> None:
    kinds = (("service_account", service_account.Credentials), ("authorized_user", user_credentials.Credentials))
    for kind, static in kinds:
        if isinstance(credentials, static):
            message = (
                f"The Google Cloud credentials found are {STATIC[kind]}, which is refused in production; "
                "remove it and bind the workload's identity (docs/cloud-gcp.md)."
            )
            raise SecretDeniedError(message)


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; nothing is asked for until the first read."""
    backend = GcpSecretBackend(settings)
    try:
        yield backend
    finally:
        backend.close()
