"""Stores and collectors that the contract suites fill."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.audit_sink import CollectorUnderTest, OpenCollector, collectors
from tests.support.secret_backend import OpenStore, SecretStore, stores

from chassis import selected
from chassis.import_strings import load_object
from chassis.ports.audit_sink import AuditSink
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


@pytest.fixture(params=list(collectors().values()), ids=list(collectors()))
def collector(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CollectorUnderTest]:
    """An empty collector of the chosen audit sink, once for each way in which it can be shipped to."""
    open_collector: OpenCollector = request.param
    with open_collector(tmp_path, monkeypatch) as under_test:
        yield under_test


@pytest.fixture
async def sink(collector: CollectorUnderTest) -> AsyncIterator[AuditSink]:
    """The chosen adapter, opened on that collector."""
    async with load_object(selected.OPEN_AUDIT_SINK)(collector.settings, collector.context) as opened:
        yield opened
