"""Credentials of the database that Vault makes for this process alone, lent for a while."""

import json
import math
import threading
import time
from dataclasses import dataclass, replace

import hvac
import structlog
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError

from chassis.adapters._vault_session import Clock, Login, Term, VaultSession, bounded
from chassis.adapters.secret_backend.vault_settings import SecretSettings
from chassis.ports.secrets import Secret, SecretDeniedError, SecretNotFoundError, Validity

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Lease:
    lease_id: str
    secret: Secret
    term: Term
    login: Login


class DatabaseLeases:
    """Keeps one lease of the database engine; blocks, so it is called in threads.

    Every read renews the lease, however young it is. So a read after the database refused the credentials finds out
    whether they still exist: Vault does not renew a lease that was revoked, nor, with the engine's own statements, one
    whose role is gone from Postgres (it runs ALTER ROLE ... VALID UNTIL). A lease that is not renewed, or for less than
    its first time because max_ttl is near, is replaced; the old one ends by itself, so that transactions in flight may
    finish. When Vault cannot be reached, nothing is replaced.

    A lease ends with the login it was made with ("Lease, Renew, and Revoke", /docs/concepts/lease). So a new login means
    a new lease, and `Validity` never reaches beyond the login.
    """

    def __init__(self, session: VaultSession, settings: SecretSettings, clock: Clock = time.monotonic) -> None:
        """Take the session, and the role and mount from the settings; nothing is asked before the first read."""
        self._session = session
        self._role = settings.database_role or ""
        self._mount = settings.database_mount
        self._clock = clock
        self._lock = threading.Lock()
        self._lease: _Lease | None = None

    def read(self, name: str) -> Secret:
        """Give a pair as JSON with `username` and `password`, and how long it may be used; raise the port's errors."""
        with bounded(self._lock):
            login = self._session.login()
            lease = self._lease
            if lease is not None:
                lease = self._renewed(lease, login)
            self._lease = lease or self._issued(name)
            return self._lent(self._lease)

    def _renewed(self, lease: _Lease, login: Login) -> _Lease | None:
        if lease.login.client is not login.client:
            return None
        since = self._clock()
        whole = 0 if math.isinf(lease.term.seconds) else round(lease.term.seconds)

        def renew(client: hvac.Client) -> int:
            answer = client.sys.renew_lease(lease.lease_id, increment=whole)
            seconds: int = answer["lease_duration"]
            return seconds

        with self._session.errors():
            try:
                seconds, login = self._session.ask(renew)
            except VaultError as error:
                log.info("secrets.lease_not_renewed", error=type(error).__name__)
                return None
        if seconds < whole or login.client is not lease.login.client:
            return None
        return replace(lease, term=Term.of(since, seconds), login=login)

    def _issued(self, name: str) -> _Lease:
        role = f"{self._mount}/roles/{self._role}"
        absent = SecretNotFoundError(
            f"The secret '{name}' is not there; create the role that issues it with `vault write {role} ...`."
        )
        denied = SecretDeniedError(
            f"The secret '{name}' may not be read; a policy must let this service read {self._mount}/creds/{self._role}."
        )
        since = self._clock()
        with self._session.errors(
            {InvalidPath: absent, InvalidRequest: absent, Forbidden: denied, Unauthorized: denied}
        ):
            answer, login = self._session.ask(
                lambda client: client.secrets.database.generate_credentials(self._role, mount_point=self._mount)
            )
            pair = {part: answer["data"][part] for part in ("username", "password")}
            term = Term.of(since, answer["lease_duration"])
            lease = _Lease(answer["lease_id"], Secret(name, json.dumps(pair)), term, login)
        log.info("secrets.lease_issued", secret=name, seconds=round(term.seconds))
        return lease

    def _lent(self, lease: _Lease) -> Secret:
        now = self._clock()
        terms = (lease.term, lease.login.term)
        validity = Validity(
            renew_seconds=max(min(term.renew_at for term in terms) - now, 0.0),
            end_seconds=max(min(term.ends_at for term in terms) - now, 0.0),
        )
        return Secret(lease.secret.name, lease.secret.reveal(), validity)
