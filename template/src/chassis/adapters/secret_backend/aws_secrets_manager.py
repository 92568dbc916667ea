"""Secrets from AWS Secrets Manager, read with the role that the platform gives this workload.

Errors are told apart by their code, never by the HTTP status, which AWS does not keep the same between its services.
The codes: Secrets Manager API Reference, "GetSecretValue", Errors, and "Common Errors"; those of STS, from which a role's
credentials come: STS API Reference, "AssumeRoleWithWebIdentity" and "Common Errors".
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chassis.adapters._aws_identity import LOGIN, AwsClient, NoAwsIdentityError, StaticAwsKeyError, code_of
from chassis.adapters.secret_backend.aws_secrets_manager_settings import SecretSettings
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import (
    Secret,
    SecretBackend,
    SecretDeniedError,
    SecretNotFoundError,
    SecretRefusedError,
    SecretUnavailableError,
)

# Two attempts with these end before the manager around the backend stops waiting.
TIMES = Config(connect_timeout=2, read_timeout=2.5, retries={"mode": "standard", "total_max_attempts": 2})

ABSENT = ("ResourceNotFoundException", "InvalidRequestException")  # the latter: it is scheduled for deletion
DENIED = ("AccessDeniedException", "AccessDenied", "NotAuthorized")


class AwsSecretBackend:
    """Reads the current version of a secret; logs in at the first read, so that opening needs no server."""

    def __init__(self, settings: SecretSettings) -> None:
        """Take where the secrets are."""
        self._settings = settings
        self._client = AwsClient("secretsmanager", settings, TIMES)

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
        self._client.close()

    def _read(self, name: str) -> dict[str, Any]:
        # Without their cause: for a signature AWS repeats the request's headers, and among them is the session token.
        try:
            try:
                return self._ask(name)
            except ClientError as error:
                if code_of(error) not in LOGIN:
                    raise
                return self._ask(name)
        except ClientError as error:
            raise self._translated(name, error) from None
        except BotoCoreError as error:
            message = f"AWS does not answer when the secret '{name}' is read ({type(error).__name__}); try again."
            raise SecretUnavailableError(message) from None
        except NoAwsIdentityError as error:
            raise SecretUnavailableError(error.detail) from None
        except StaticAwsKeyError as error:
            raise SecretDeniedError(error.detail) from None

    def _ask(self, name: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get().get_secret_value(
            SecretId=self._settings.prefix + name, VersionStage="AWSCURRENT"
        )
        return answer

    def _translated(self, name: str, error: ClientError) -> ChassisError:
        code = code_of(error)
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


@asynccontextmanager
async def open_secret_backend(settings: SecretSettings) -> AsyncIterator[SecretBackend]:
    """Open the backend; nothing is asked for until the first read."""
    backend = AwsSecretBackend(settings)
    try:
        yield backend
    finally:
        backend.close()
