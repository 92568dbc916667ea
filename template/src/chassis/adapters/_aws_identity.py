"""Who this service is on AWS: the role that the platform gives this workload, found by the SDK's chain of credentials.

Production refuses what is long-term, wherever in that chain it was found. The codes of refused logins: "Common Errors" of the
services' API References, and of STS, from which a role's credentials come.
"""

import threading
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from chassis.adapters._aws_settings import AwsSettings, is_long_term
from chassis.ports.errors import ConfigurationError

LOGIN = (
    *("ExpiredTokenException", "ExpiredToken", "RequestExpired"),
    *("UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken"),
    *("InvalidSignatureException", "SignatureDoesNotMatch"),
)


class NoAwsIdentityError(ConfigurationError):
    """The platform gives this service no AWS credentials; give the workload a role."""


class StaticAwsKeyError(ConfigurationError):
    """The AWS credentials found are a long-term access key; remove it and give the workload a role."""


def platform_session(region: str, times: Config, *, production: bool) -> boto3.Session:
    """Give a session with the credentials that the platform gives this workload; `times` is how long to wait for STS.

    Raise `NoAwsIdentityError` where there are none, and in production `StaticAwsKeyError` for long-term ones.
    """
    inner = botocore.session.get_session()
    inner.set_default_client_config(times)  # which the session passes on to STS
    session = boto3.Session(botocore_session=inner, region_name=region)
    found = session.get_credentials()
    if found is None:
        raise NoAwsIdentityError
    credentials = found.get_frozen_credentials()
    if production and is_long_term(credentials.access_key or "", credentials.token):
        message = (
            f"The AWS credentials found ({found.method}) are a long-term access key, which is refused in "
            "production; remove it and give the workload a role (docs/cloud-aws.md)."
        )
        raise StaticAwsKeyError(message)
    return session


class AwsClient:
    """A client of one service, for several threads; logs in at its first use, and anew after its login was refused."""

    def __init__(self, service: str, settings: AwsSettings, times: Config) -> None:
        """Take where the service is, and for how long to wait for it and for STS."""
        self._service = service
        self._settings = settings
        self._times = times
        self._lock = threading.Lock()
        self._client: Any = None

    def get(self) -> Any:
        """Give the client; the first one, and each after a refused login, takes new credentials from the SDK's chain."""
        with self._lock:
            if self._client is None:
                session = platform_session(self._settings.region, self._times, production=self._settings.production)
                # Nothing but the setting names the endpoint: AWS_ENDPOINT_URL could name an unencrypted one.
                config = Config(ignore_configured_endpoint_urls=True)  # type: ignore[call-arg]  # the stubs miss it
                url = self._settings.endpoint_url
                client: Any = session.client(self._service, endpoint_url=url, config=config)
                client.meta.events.register("after-call", self._watching(client))
                self._client = client
            return self._client

    def close(self) -> None:
        """Close the connections."""
        self._forget(self._client)

    def _watching(self, client: Any) -> Callable[..., None]:
        """Give what looks at each answer, before the SDK makes an error of it."""

        def look(parsed: dict[str, Any], **_given: object) -> None:
            error = parsed.get("Error", {})
            if error.get("Code") in LOGIN:
                # For a signature AWS repeats the request's headers, and among them is the session token.
                error["Message"] = "AWS refuses this service's credentials; check its role and its clock."
                self._forget(client)

        return look

    def _forget(self, client: Any) -> None:
        with self._lock:
            if client is not None and client is self._client:  # another call may have logged in anew already
                self._client = None
                client.close()


def code_of(error: ClientError) -> str:
    """Give AWS's word for what is wrong. Its HTTP statuses are not the same between the services."""
    return error.response.get("Error", {}).get("Code", "")
