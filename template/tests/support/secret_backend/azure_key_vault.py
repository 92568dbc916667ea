"""Stores of the secret backend that reads an Azure Key Vault: one for each way to be somebody there."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from tests.support.azure.identity import CLIENT_ID, TENANT
from tests.support.key_vault import FakeAzure, fake_azure

from chassis.adapters._azure_identity import PLATFORM_VARIABLES
from chassis.selected import SecretSettings

PREFIX = "agent-"


class KeyVault:
    """A Key Vault that this service's identity may read."""

    def __init__(self, azure: FakeAzure, client_id: str | None = None) -> None:
        values = {"vault_url": azure.vault.url, "prefix": PREFIX, "client_id": client_id}
        self.settings = SecretSettings.model_validate(values, context={"environment": "test"})
        self.azure = azure

    def put(self, name: str, value: str) -> None:
        self.azure.vault.put(self.key(name), value)

    def delete(self, name: str) -> None:
        self.azure.vault.delete(self.key(name))

    def place(self, name: str) -> str:
        return f"create it as {self.key(name)} in the Key Vault localhost"

    def outage(self) -> AbstractContextManager[None]:
        return self.azure.key_vault.down()

    def forbid(self, name: str) -> None:
        self.azure.vault.forbidden[self.key(name)] = "ForbiddenByRbac"

    def expire_login(self) -> None:
        self.azure.identities.revoke()

    def key(self, name: str) -> str:
        """Give the name in the vault."""
        return PREFIX + name.replace("_", "-")


@contextmanager
def managed_identity(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    """A container app with a system-assigned identity."""
    with _azure(directory, monkeypatch) as azure:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{azure.endpoint.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", azure.identities.header)
        yield KeyVault(azure)


@contextmanager
def assigned_identity(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    """A container app with a user-assigned identity."""
    with managed_identity(directory, monkeypatch) as store:
        yield KeyVault(store.azure, CLIENT_ID)


@contextmanager
def workload_identity(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVault]:
    """A pod on AKS, with what the workload identity's webhook puts into it."""
    with _azure(directory, monkeypatch) as azure:
        token = directory / "azure-identity-token"
        token.write_text(azure.identities.assertion)
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.vault.login)
        monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
        monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT_ID)
        yield KeyVault(azure)


@contextmanager
def _azure(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAzure]:
    for variable in PLATFORM_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with fake_azure(directory) as azure:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(azure.authority))
        yield azure


STORES = {
    "managed identity": managed_identity,
    "assigned identity": assigned_identity,
    "workload identity": workload_identity,
}
