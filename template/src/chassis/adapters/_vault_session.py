"""A login to Vault that is kept: renewed before it ends, made anew when it has ended."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

import hvac
import requests
import structlog
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError

from chassis.adapters.secret_backend.vault_settings import SecretSettings
from chassis.ports.errors import ChassisError
from chassis.ports.secrets import SecretDeniedError, SecretUnavailableError

log = structlog.get_logger()

TIMEOUT_SECONDS = (3.0, 5.0)
"""To connect, and for the server to be silent. A request is not repeated; whoever asks again does that."""
WAIT_SECONDS = 5.0
"""A thread waits no longer for the login of another one: behind a server that hangs they would pile up."""
FAREWELL_SECONDS = 2.0

Clock = Callable[[], float]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Term:
    """How long something is lent. It counts from before it was asked for, so it never ends later than Vault thinks."""

    since: float
    seconds: float

    @classmethod
    def of(cls, since: float, lease_duration: int) -> "Term":
        """Take what Vault says; 0 is its word for something that does not end."""
        return cls(since, float(lease_duration) or float("inf"))

    @property
    def renew_at(self) -> float:
        """At two thirds, so that one third is left to try again, and for those who still use it."""
        return self.since + self.seconds * 2 / 3

    @property
    def ends_at(self) -> float:
        """After this it is worth nothing."""
        return self.since + self.seconds


@dataclass(frozen=True, slots=True)
class Login:
    """A token, inside the client that sends it. A renewed one has the same client and another term."""

    client: hvac.Client = field(repr=False)
    term: Term
    renewable: bool


class VaultSession:
    """Sends requests to Vault with a token that is valid. Blocks, so it is called in threads, also by several at once."""

    def __init__(self, settings: SecretSettings, clock: Clock = time.monotonic) -> None:
        """Take the settings; nothing is sent before the first request."""
        self._settings = settings
        self._clock = clock
        self._login: Login | None = None
        self._lock = threading.Lock()
        self._http = requests.Session()
        self._http.trust_env = False  # a ~/.netrc or a proxy's variable would take part in who we are and whom we ask
        self._http.verify = str(settings.ca_file) if settings.ca_file else True  # hvac prefers it to its own `verify`

    def login(self) -> Login:
        """Give the login, renewed when two thirds of it are over; raise the port's errors."""
        with bounded(self._lock):
            if self._login is None:
                self._login = self._log_in()
            elif self._clock() >= self._login.term.renew_at:
                self._login = self._renewed(self._login)
            return self._login

    def ask(self, call: Callable[[hvac.Client], Answer]) -> tuple[Answer, Login]:
        """Give what Vault answers, and the login that was used; raise hvac's and requests' errors.

        Vault says 403 "permission denied" for a token that has ended, as for a policy that forbids (OpenBao 2.7.2 words
        them a little differently, which nobody promises). Only the first kind of token may not even look itself up.
        """
        login = self.login()
        try:
            return call(login.client), login
        except (Forbidden, Unauthorized):
            if self._lives(login):
                raise
        login = self._log_in_instead_of(login)
        return call(login.client), login

    @contextmanager
    def errors(self, meanings: Mapping[type[VaultError], ChassisError] | None = None) -> Iterator[None]:
        """Translate errors: those with a meaning here to that, all others to `SecretUnavailableError`.

        What Vault says is not passed on, since it is written for those who may see its configuration.
        """
        vault = f"Vault at {self._settings.url}"
        try:
            yield
        except VaultError as error:  # 503 sealed or standby, 500, 502, 429, 400 while an engine starts, ...
            meant = (meanings or {}).get(type(error))
            if meant is not None:
                raise meant from None
            message = f"{vault} cannot answer now ({type(error).__name__})."
            raise SecretUnavailableError(message) from None
        except requests.exceptions.SSLError as error:
            message = f"{vault} shows a certificate that is not trusted; put its authority into secrets.ca_file."
            raise SecretUnavailableError(message) from error
        except requests.RequestException as error:
            message = f"{vault} does not answer ({type(error).__name__})."
            raise SecretUnavailableError(message) from error
        except (AttributeError, KeyError, TypeError):
            message = f"{vault} gives answers that are not Vault's; check secrets.url."
            raise SecretUnavailableError(message) from None

    def close(self) -> None:
        """Log out, with which Vault revokes the leases of this token; best effort, since it also ends by itself.

        See "Lease, Renew, and Revoke" (/docs/concepts/lease): revoking a token revokes all leases created with it.
        """
        login, self._login = self._login, None
        if login is not None:
            with suppress(VaultError, requests.RequestException):
                login.client.adapter.request("post", "/v1/auth/token/revoke-self", timeout=FAREWELL_SECONDS)
        self._http.close()

    def _log_in(self) -> Login:
        settings, since = self._settings, self._clock()
        try:
            proof = settings.login_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            message = f"{settings.login_file} cannot be read, with which to log in to Vault; mount it for this service."
            raise SecretDeniedError(message) from error
        names = ("role_id", "secret_id") if settings.auth == "approle" else ("role", "jwt")
        client = self._client("")
        refused = SecretDeniedError(
            f"Vault does not accept this service's login ({settings.login_path}); check secrets.role and what lies in "
            f"{settings.login_file}."
        )
        with self.errors({InvalidRequest: refused, Unauthorized: refused, Forbidden: refused, InvalidPath: refused}):
            proven = dict(zip(names, (settings.role, proof), strict=True))
            auth = client.write_data(settings.login_path, data=proven)["auth"]
            return Login(self._client(auth["client_token"]), Term.of(since, auth["lease_duration"]), auth["renewable"])

    def _renewed(self, login: Login) -> Login:
        """Renew, or log in anew where that is refused or gives less time than before: the token's max_ttl is near."""
        if login.renewable:
            since = self._clock()
            with self.errors(), suppress(VaultError):
                auth = login.client.auth.token.renew_self()["auth"]
                term = Term.of(since, auth["lease_duration"])
                if term.seconds >= login.term.seconds:
                    return replace(login, term=term)
        try:
            return self._log_in()
        except ChassisError as error:
            left = login.term.ends_at - self._clock()
            if left <= 0:
                raise
            log.warning("secrets.login_not_renewed", error=type(error).__name__, usable_seconds=round(left))
            return login

    def _lives(self, login: Login) -> bool:
        try:
            login.client.auth.token.lookup_self()
        except (Forbidden, Unauthorized):
            return False
        return True

    def _log_in_instead_of(self, ended: Login) -> Login:
        with bounded(self._lock):
            if self._login is None or self._login.client is ended.client:  # else another thread was faster
                self._login = self._log_in()
            return self._login

    def _client(self, token: str) -> hvac.Client:
        """Make a client that takes nothing from hvac's own variables and files: the settings say it all."""
        settings = self._settings
        return hvac.Client(
            url=str(settings.url),
            token=token,
            cert=(),
            verify=self._http.verify,
            timeout=TIMEOUT_SECONDS,
            session=self._http,
            namespace=settings.namespace,
        )


@contextmanager
def bounded(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock, unless it takes too long to get it."""
    if not lock.acquire(timeout=WAIT_SECONDS):
        message = "Vault does not answer: another login to it hangs."
        raise SecretUnavailableError(message)
    try:
        yield
    finally:
        lock.release()
