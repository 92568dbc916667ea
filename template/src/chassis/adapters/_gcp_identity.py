"""Who this service is on Google Cloud, the identity that the platform gives it, and how its clients connect."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

import google.auth
from google.api_core import exceptions
from google.auth.credentials import with_scopes_if_required
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from chassis.adapters._gcp_settings import STATIC
from chassis.ports.errors import ConfigurationError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# gRPC's own pause between connections grows to two minutes (gRPC, "Connection Backoff Protocol"), which would outlast an
# outage by as much; measured after 40 s without a server: 3.7 s until the next answer with that, 0.8 s with this.
RECONNECT = ("grpc.max_reconnect_backoff_ms", 1000)

C = TypeVar("C")


class StaticCredentialsError(ConfigurationError):
    """The Google Cloud credentials found are static, which is refused in production; bind the workload's identity."""


def platform_credentials(seconds: float, *, production: bool) -> Any:
    """Give the platform's credentials with a token that was fetched now; raise `GoogleAuthError` when there is none.

    Asking for the token takes so many seconds at most. In production raise `StaticCredentialsError` for keys and logins.
    """
    # Scopes come after: with them, a federation's project is asked for, from an API that need not be reachable.
    found, _ = google.auth.default()
    if production:
        _refuse_static(found)
    credentials: Any = with_scopes_if_required(found, [SCOPE])  # type: ignore[no-untyped-call]
    # Now and here: of calls that began together, each would fetch a token of its own.
    credentials.refresh(partial(Request(), timeout=seconds))
    return credentials


def _refuse_static(credentials: object) -> None:
    kinds = (("service_account", service_account.Credentials), ("authorized_user", user_credentials.Credentials))
    for kind, static in kinds:
        if isinstance(credentials, static):
            message = (
                f"The Google Cloud credentials found are {STATIC[kind]}, which is refused in production; "
                "remove it and bind the workload's identity (docs/cloud-gcp.md)."
            )
            raise StaticCredentialsError(message)


def login_trouble(error: Exception) -> str | None:
    """Say what is wrong with the login, where this error comes from it; never in the SDK's words, which can repeat what was sent."""
    if isinstance(error, exceptions.Unauthenticated):
        return "Google Cloud refuses this service's credentials, also new ones; check its identity and clock."
    if isinstance(error, GoogleAuthError):
        kind = type(error).__name__
        return f"The platform gives this service no credentials ({kind}); bind an identity (docs/cloud-gcp.md)."
    return None


class Login(Generic[C]):
    """Keeps a client that is logged in. Threads share it."""

    def __init__(self, find: Callable[[], Any], open_client: Callable[[Any], C]) -> None:
        """Take how credentials are found, and how a client is made with them; both happen at the first call of `client`."""
        self._find = find
        self._open = open_client
        self._lock = threading.Lock()
        self._client: C | None = None

    @property
    def opened(self) -> C | None:
        """The client, where there is one already."""
        return self._client

    def client(self) -> C:
        """Give the client; the first one, and each after a refused login, takes the platform's credentials anew."""
        with self._lock:
            if self._client is None:
                self._client = self._open(self._find())
            return self._client

    def forget(self, client: C) -> None:
        """Drop a client without closing it, which would cut off the calls of others."""
        with self._lock:
            if client is self._client:  # another call may have logged in anew already
                self._client = None


def channel_of(transport: Any) -> Callable[..., Any]:
    """Give what makes channels for an SDK's transport that connect again soon after an outage."""

    def open_channel(host: str, *, options: list[tuple[str, Any]] | tuple[()] = (), **rest: Any) -> Any:
        return transport.create_channel(host, options=[*options, RECONNECT], **rest)

    return open_channel
