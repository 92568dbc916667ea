"""Stores of the secret backend Google Cloud Secret Manager, one for each way in which a workload gets its identity."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.support.gcp.identity import Identity
from tests.support.gcp.platform import federated, on_gke
from tests.support.gcp.secret_manager import SecretManager

from chassis.selected import SecretSettings

PROJECT = "my-project"
PREFIX = "my-agent-"


class GoogleCloud:
    """Secrets in the fake Secret Manager, and the adapter's way to them."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.manager = SecretManager(PROJECT, self.identity)
        self.settings = SecretSettings.model_validate(
            {"project": PROJECT, "prefix": PREFIX, "endpoint": self.manager.endpoint}, context={"environment": "test"}
        )

    def put(self, name: str, value: str) -> None:
        self.manager.add_version(PREFIX + name, value.encode())

    def delete(self, name: str) -> None:
        del self.manager.secrets[PREFIX + name]

    def place(self, name: str) -> str:
        return f"the secret {PREFIX}{name} in project {PROJECT}"

    def outage(self) -> AbstractContextManager[None]:
        return self.manager.outage()

    def forbid(self, name: str) -> None:
        self.manager.forbidden.add(PREFIX + name)

    def expire_login(self) -> None:
        self.identity.expired.update(self.identity.issued)


@contextmanager
def gke(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """The metadata server."""
    store = GoogleCloud(on_gke(directory, monkeypatch))
    with store.manager.listening():
        yield store


@contextmanager
def federation(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleCloud]:
    """The exchange of a token for another."""
    store = GoogleCloud(federated(directory, monkeypatch))
    with store.manager.listening():
        yield store


STORES = {"gke": gke, "federation": federation}
