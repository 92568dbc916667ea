"""Stores and collectors that the contract suites fill."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import SpanExporter
from tests.support.audit_sink import CollectorUnderTest, OpenCollector, collectors
from tests.support.checkpoints import Claims
from tests.support.isolation import isolated_settings
from tests.support.secret_backend import OpenStore, SecretStore, stores
from tests.support.state_store import StateStore, open_state_store
from tests.support.telemetry_backend import BackendUnderTest, OpenBackend, backends

from chassis import selected
from chassis.db.engine import make_sessions, open_engine
from chassis.import_strings import load_object
from chassis.ports.audit_sink import AuditSink
from chassis.ports.secrets import SecretBackend
from chassis.settings import Settings
from chassis.wiring import open_adapter_context


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


@pytest.fixture(params=list(backends().values()), ids=list(backends()))
def backend(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BackendUnderTest]:
    """An empty backend of the chosen kind, once for each way in which the adapter can be let in."""
    open_backend: OpenBackend = request.param
    with open_backend(tmp_path, monkeypatch) as under_test:
        yield under_test


@pytest.fixture
async def exporter(backend: BackendUnderTest) -> AsyncIterator[SpanExporter]:
    """The chosen adapter, opened on that backend."""
    async with load_object(selected.OPEN_SPAN_EXPORTER)(backend.settings, backend.context) as opened:
        yield opened
    await backend.context.secrets.close()


@pytest.fixture(scope="session")
async def state_settings(environment: Mapping[str, str]) -> Settings:
    """Settings that lead to a database of the state stores' own."""
    return await isolated_settings(environment, "state")


@pytest.fixture
async def state_store(state_settings: Settings) -> AsyncIterator[StateStore]:
    """The chosen state store, with nothing in it."""
    async with (
        open_adapter_context(state_settings) as context,
        open_state_store(state_settings, context) as store,
    ):
        yield store


@pytest.fixture
async def claims(state_settings: Settings) -> AsyncIterator[Claims]:
    """Jobs in the database, whatever the state is in."""
    async with (
        open_adapter_context(state_settings) as context,
        open_engine(context.database, state_settings.database, "claims") as engine,
    ):
        yield Claims(make_sessions(engine, "claims", "test"))
