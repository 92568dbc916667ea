"""Stores of the secret backend `vault`: entries in a real OpenBao, reached by each way of logging in.

The login decides nothing about secrets, so each store also has another kind of outage and of entry.
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.openbao import issuer_key, make_certificate, shared_server, sign
from tests.support.relay import Relay
from tests.support.token_review import ServiceAccount, token_reviews

from chassis.dev.openbao import create_approle
from chassis.selected import SecretSettings

NUMBERS = itertools.count()


class Entries:
    """Entries of a KV engine below a path of this store's own, with a role that may read there."""

    def __init__(self, method: str) -> None:
        self.server = shared_server()
        self.role = f"store-{next(NUMBERS)}"
        self._method = method
        self._forbidden: list[str] = []
        self._relay = Relay(self.server.url)

    def configure(self, **login: object) -> None:
        """Take how to log in; all else is the same for each."""
        self.settings = SecretSettings.model_validate(
            {"auth": self._method, "role": self.role, **login, "url": self._relay.url, "prefix": f"{self.role}/"},
            context={"environment": "test"},
        )

    @property
    def policy(self) -> str:
        allowed = f'path "secret/data/{self.role}/*" {{ capabilities = ["read"] }}\n'
        denied = (f'path "secret/data/{self.role}/{name}" {{ capabilities = ["deny"] }}\n' for name in self._forbidden)
        return allowed + "".join(denied)

    def put(self, name: str, value: str) -> None:
        self.server.write(self._entry(name), data={"value": value})

    def delete(self, name: str) -> None:
        self.server.delete(self._entry(name))

    def place(self, name: str) -> str:
        return f"`vault kv put -mount=secret {self.role}/{name}"

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self._relay.closed():
            yield

    def forbid(self, name: str) -> None:
        self._forbidden.append(name)
        self.server.write(f"sys/policies/acl/{self.role}", policy=self.policy)

    def expire_login(self) -> None:
        self.server.write(f"sys/leases/revoke-prefix/auth/{self._method}")

    def close(self) -> None:
        """Give the port back."""
        self._relay.close()

    def _entry(self, name: str) -> str:
        return f"secret/data/{self.role}/{name}"


class Sealed(Entries):
    """A store whose outage is a server that answers, but is sealed."""

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.server.write("sys/seal")
        try:
            yield
        finally:
            self.server.write("sys/unseal", key=self.server.unseal_key)


class Pairs(Entries):
    """A store that keeps what can be one as a pair, not as a value."""

    def put(self, name: str, value: str) -> None:
        with suppress(json.JSONDecodeError, TypeError):
            self.server.write(self._entry(name), data={**json.loads(value)})
            return
        super().put(name, value)


@contextmanager
def approle(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    store = Entries("approle")
    store.configure(**create_approle(store.server, store.role, store.policy, directory))
    yield store
    store.close()


@contextmanager
def kubernetes(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    store = Sealed("kubernetes")
    store.forbid("nothing")
    certificate = make_certificate(directory)
    with token_reviews(certificate) as reviews:
        store.server.write(
            "auth/kubernetes/config",
            kubernetes_host=reviews.url,
            kubernetes_ca_cert=certificate.authority.read_text(),
            token_reviewer_jwt=reviews.reviewer,
        )
        store.server.write(
            f"auth/kubernetes/role/{store.role}",
            bound_service_account_names=["agent"],
            bound_service_account_namespaces=["prod"],
            token_policies=[store.role],
        )
        account = ServiceAccount("prod", "agent")
        token = sign(account.claims)
        reviews.known[token] = account
        store.configure(token_file=_file(directory, token))
        yield store
    store.close()


@contextmanager
def jwt(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    store = Pairs("jwt")
    store.forbid("nothing")
    store.server.write("auth/jwt/config", jwt_validation_pubkeys=[issuer_key()])
    store.server.write(
        f"auth/jwt/role/{store.role}",
        role_type="jwt",
        user_claim="sub",
        bound_audiences=["vault"],
        token_policies=[store.role],
    )
    token = sign({"sub": "agent", "aud": "vault"})
    store.configure(token_file=_file(directory, token))
    yield store
    store.close()


def _file(directory: Path, token: str) -> Path:
    file = directory / "token"
    file.write_text(f"{token}\n")
    return file


STORES = {"approle": approle, "kubernetes": kubernetes, "jwt": jwt}
