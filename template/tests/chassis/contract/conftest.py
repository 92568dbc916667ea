"""Stores that the contract suites fill."""

from pathlib import Path

import pytest
from tests.support.secret_backend import OpenStore, SecretStore, stores


@pytest.fixture(params=list(stores().values()), ids=list(stores()))
def secret_store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    """An empty store of the chosen secret backend, once for each way in which it can hold a secret."""
    open_store: OpenStore = request.param
    return open_store(tmp_path, monkeypatch)
