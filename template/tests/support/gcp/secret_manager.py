"""Secret Manager, as far as a service reads from it: AccessSecretVersion over gRPC, with its statuses and words.

Where these are documented or recorded, `tests/chassis/contract/test_gcp_secret_manager_fake.py` says and compares.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import google_crc32c
import grpc
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)
from tests.support.gcp.identity import INVALID, Identity
from tests.support.gcp.tls import tls

from chassis.dev.services import free_port

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
VERSION = re.compile(r"projects/([^/]+)/secrets/([A-Za-z0-9_-]{1,255})/versions/(latest|[0-9]+)")


@dataclass
class Version:
    """A version of a secret; its state is ENABLED, DISABLED or DESTROYED."""

    data: bytes
    state: str = "ENABLED"
    crc32c: int | None = None
    """Another checksum than that of the data."""


class SecretManager:
    """One project's secrets; every caller with a good token may read all that is not forbidden."""

    def __init__(self, project: str, identity: Identity) -> None:
        self.project = project
        self.secrets: dict[str, list[Version]] = {}
        self.forbidden: set[str] = set()
        self.failing: grpc.StatusCode | None = None
        """Status of every answer, whoever asks."""
        self.reads = 0
        self._identity = identity
        self.endpoint = f"127.0.0.1:{free_port()}"

    def add_version(self, secret: str, data: bytes, crc32c: int | None = None) -> Version:
        """Create the secret, where it is not there, and add a version to it."""
        version = Version(data, crc32c=crc32c)
        self.secrets.setdefault(secret, []).append(version)
        return version

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer while the context is open."""
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Listen to nobody while the context is open; connections are cut and refused."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._threads = ThreadPoolExecutor(8)
        self._server = grpc.server(self._threads, options=[("grpc.so_reuseport", 0)])
        access = grpc.unary_unary_rpc_method_handler(
            self._access,
            request_deserializer=AccessSecretVersionRequest.deserialize,
            response_serializer=AccessSecretVersionResponse.serialize,
        )
        handlers = grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": access})
        self._server.add_generic_rpc_handlers((handlers,))
        credentials = grpc.ssl_server_credentials([(tls().key, tls().chain)])
        self._server.add_secure_port(self.endpoint, credentials)
        self._server.start()

    def _stop(self) -> None:
        self._server.stop(None).wait()
        self._threads.shutdown()

    def _access(
        self, request: AccessSecretVersionRequest, context: grpc.ServicerContext
    ) -> AccessSecretVersionResponse:
        self.reads += 1
        sent = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        if not self._identity.accepts(sent.get("authorization", "").removeprefix("Bearer ")):
            _refuse(context, grpc.StatusCode.UNAUTHENTICATED, INVALID)
        if self.failing:
            _refuse(context, self.failing, "It fails.")
        asked = VERSION.fullmatch(request.name)
        if not asked or sent.get("x-goog-request-params") != f"name={request.name}":
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "The resource name is not valid.")
        project, secret, number = asked.groups()
        if project != self.project or secret in self.forbidden:
            words = f"Permission 'secretmanager.versions.access' denied for resource '{request.name}'"
            _refuse(context, grpc.StatusCode.PERMISSION_DENIED, f"{words} (or it may not exist).")
        versions = self.secrets.get(secret)
        if not versions:
            words = f"Secret [projects/{project}/secrets/{secret}] not found or has no versions."
            _refuse(context, grpc.StatusCode.NOT_FOUND, words)
        index = len(versions) if number == "latest" else int(number)
        version, name = versions[index - 1], f"projects/{project}/secrets/{secret}/versions/{index}"
        if version.state != "ENABLED":
            words = f"Secret Version [{name}] is in {version.state} state."
            _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, words)
        checksum = google_crc32c.value(version.data) if version.crc32c is None else version.crc32c
        return AccessSecretVersionResponse(name=name, payload=SecretPayload(data=version.data, data_crc32c=checksum))


def _refuse(context: grpc.ServicerContext, status: grpc.StatusCode, words: str) -> NoReturn:
    context.abort(status, words)
    raise AssertionError  # abort has raised
