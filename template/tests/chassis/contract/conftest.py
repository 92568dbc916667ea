"""Stores that the contract suites fill."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.secret_backend import OpenStore, SecretStore, stores

from chassis import selected
from chassis.ports.secrets import SecretBackend


@pytest.fixture(params=list(stores().values()), ids=list(stores()))
def secret_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecretStore]:
    """An empty store of the chosen secret backend, once for each way in which it can hold a secret."""
    open_store: OpenStore = request.param
    with open_store(tmp_path, monkeypatch) as store:
        yield store


@pytest.fixture
async def secret_backend(secret_store: SecretStore) -> AsyncIterator[SecretBackend]:
    """The chosen adapter, opened on that store."""
    async with selected.open_secret_backend(secret_store.settings) as backend:
        yield backend
