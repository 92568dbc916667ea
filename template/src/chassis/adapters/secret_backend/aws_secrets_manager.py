"""Secrets from AWS Secrets Manager, read with the role that the platform gives this workload.

Errors are told apart by their code, never by the HTTP status, which AWS does not keep the same between its services.
The codes: Secrets Manager API Reference, "GetSecretValue", Errors, and "Common Errors"; those of STS, from which a role's
credentials come: STS API Reference, "AssumeRoleWithWebIdentity" and "Common Errors".
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chassis.adapters.secret_backend.aws_secrets_manager_settings import SecretSettings, is_long_term
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import (
    Secret,
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
)

# Two attempts with these end before the manager around the backend stops waiting. The session passes them on to STS.
TIMES = Config(connect_timeout=2, read_timeout=2.5, retries={"mode": "standard", "total_max_attempts": 2})

ABSENT = ("ResourceNotFoundException", "InvalidRequestException")  # the latter: it is scheduled for deletion
DENIED = ("AccessDeniedException", "AccessDenied", "NotAuthorized")
LOGIN = (
    *("ExpiredTokenException", "ExpiredToken", "RequestExpired"),
    *("UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken"),
    *("InvalidSignatureException", "SignatureDoesNotMatch"),
)


class AwsSecretBackend:
    """Reads the current version of a secret; logs in at the first read, so that opening needs no server."""

    def __init__(self, settings: SecretSettings) -> None:
        """Take where the secrets are."""
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Any = None

    async def read(self, name: str) -> Secret:
        """Return what carries the stage AWSCURRENT, which a rotation moves; bytes are taken as UTF-8."""
        answer = await asyncio.to_thread(self._read, name)
        try:
            value = answer.get("SecretString") or answer.get("SecretBinary", b"").decode()
        except UnicodeDecodeError:
            message = f"The secret '{name}' holds bytes that are no UTF-8 text; store text as its SecretString."
            raise SecretRefusedError(message) from None
        if not value:
            raise self._not_there(name)
        return Secret(name, value)

    def close(self) -> None:
        """Close the connections."""
        self._forget(self._client)

    def _read(self, name: str) -> dict[str, Any]:
        # Without their cause: for a signature AWS repeats the request's headers, and among them is the session token.
        try:
            client = self._log_in()
            try:
                return self._ask(client, name)
            except ClientError as error:
                if _code(error) not in LOGIN:
                    raise
                self._forget(client)
                return self._ask(self._log_in(), name)
        except ClientError as error:
            raise self._translated(name, error) from None
        except BotoCoreError as error:
            message = f"AWS does not answer when the secret '{name}' is read ({type(error).__name__}); try again."
            raise SecretUnavailableError(message) from None

    def _ask(self, client: Any, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get_secret_value(
            SecretId=self._settings.prefix + name, VersionStage="AWSCURRENT"
        )
        return answer

    def _log_in(self) -> Any:
        """Give the client; the first one, and each after a refused login, takes new credentials from the SDK's chain."""
        with self._lock:
            if self._client is None:
                inner = botocore.session.get_session()
                inner.set_default_client_config(TIMES)
                session = boto3.Session(botocore_session=inner, region_name=self._settings.region)
                self._refuse_static(session)
                # Nothing but the setting names the endpoint: AWS_ENDPOINT_URL could name an unencrypted one.
                config = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]  # the stubs miss it
                url = self._settings.endpoint_url
                self._client = session.client("secretsmanager", endpoint_url=url, config=config)
            return self._client

    def _refuse_static(self, session: boto3.Session) -> None:
        found = session.get_credentials()
        if found is None:
            message = "The platform gives this service no AWS credentials; give the workload a role."
            raise SecretUnavailableError(message)
        credentials = found.get_frozen_credentials()
        if self._settings.production and is_long_term(credentials.access_key or "", credentials.token):
            message = (
                f"The AWS credentials found ({found.method}) are a long-term access key, which is refused in "
                "production; remove it and give the workload a role (docs/cloud-aws.md)."
            )
            raise SecretDeniedError(message)

    def _forget(self, client: Any) -> None:
        with self._lock:
            if client is not None and client is self._client:  # another read may have logged in anew already
                self._client = None
                client.close()

    def _translated(self, name: str, error: ClientError) -> ChassisError:
        code = _code(error)
        if code in ABSENT:
            return self._not_there(name)
        if error.operation_name.startswith("AssumeRole") and code in DENIED:
            message = f"AWS does not let this service take its role ({code}); check the role's trust policy."
            return SecretDeniedError(message)
        if code in DENIED:
            message = (
                f"The secret '{name}' may not be read; allow this service's role secretsmanager:GetSecretValue on "
                f"{self._settings.prefix}{name}, and kms:Decrypt on its key where that is your own."
            )
            return SecretDeniedError(message)
        if code == "DecryptionFailure":
            message = f"The secret '{name}' cannot be decrypted; enable its KMS key and allow the role kms:Decrypt."
            return SecretDeniedError(message)
        if code in LOGIN:
            message = f"AWS refuses this service's credentials, also new ones ({code}); check its role and its clock."
            return SecretUnavailableError(message)
        message = f"AWS Secrets Manager cannot give the secret '{name}' now ({code}); try again shortly."
        return SecretUnavailableError(message)

    def _not_there(self, name: str) -> SecretNotFoundError:
        place = f"{self._settings.prefix}{name} in AWS Secrets Manager, region {self._settings.region}"
        return SecretNotFoundError(f"The secret '{name}' is not there; create the secret {place}.")


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; nothing is asked for until the first read."""
    backend = AwsSecretBackend(settings)
    try:
        yield backend
    finally:
        backend.close()
