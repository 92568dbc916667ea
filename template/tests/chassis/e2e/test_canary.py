"""Planted secrets are nowhere but where they are used: not in logs, errors, events, checkpoints, prompts or settings."""

import base64
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support import canary_agent
from tests.support.audit import keeping, sink_environment, until_sealed
from tests.support.canary_agent import CARELESS
from tests.support.openai_endpoint import openai_endpoint
from tests.support.rotation import ScramServer, scram_server
from tests.support.secret_backend import OpenStore, SecretStore, stores, with_store
from tests.support.service import RunningService, running_service

from chassis.commands.migrate import migrate
from chassis.dev.environment import DATABASE_URL
from chassis.dev.postgres import create_database, create_login
from chassis.settings import PREFIX, Settings
from chassis.settings_loader import load_settings
from chassis.telemetry.logging import configure_logging
from chassis.wiring import open_adapter_context

pytestmark = pytest.mark.slow

CANARIES = {
    "database_password": "canary-Dq7wLk2x-database",
    "sealer_password": "canary-Zp4mNv8t-sealer",
    "model_api_key": "canary-Hy6bRc1s-model",
    "audit_signing_key": base64.b64encode(b"canary-Jf3gTe9u-signing-32-bytes").decode(),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ScramServer]:
    with scram_server() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretStore]:
    open_store: OpenStore = list(stores().values())[-1]
    folder = tmp_path / "store"
    folder.mkdir()
    with open_store(folder, monkeypatch) as store:
        for name, value in CANARIES.items():
            store.put(name, value)
        yield store


def environment_of(environment: Mapping[str, str], store: SecretStore, url: str, password: str) -> dict[str, str]:
    """Give an environment that leads to this database and to this store, by references alone."""
    return {
        **with_store(environment, store),
        DATABASE_URL: url,
        f"{PREFIX}DATABASE__PASSWORD": f"secret://{password}",
        f"{PREFIX}AUDIT__SIGNING_KEY": "secret://audit_signing_key",
        f"{PREFIX}SERVICE__LOG_LEVEL": "debug",
    }


async def hold_all(settings: Settings) -> None:
    async with open_adapter_context(settings) as context:
        canary_agent.held[:] = [await context.secrets.get(name) for name in CANARIES]
    assert [secret.reveal() for secret in canary_agent.held] == list(CANARIES.values())


async def misuse(service: RunningService) -> list[str]:
    """Provoke errors of every kind, with secrets at hand; give all that was answered."""
    async with service.http("t-canary") as client:
        said = [(await client.get(path)).text for path in ("/careless/failure", "/threads/none", "/nowhere")]
        said.append((await client.post("/threads", json={"metadata": "x"})).text)
        said.append((await client.get("/threads", headers={"Authorization": "Bearer x"})).text)
        for fail in (False, True):
            thread = (await client.post("/threads", json={})).json()["thread_id"]
            body = {"assistant_id": "agent", "input": {"question": "What are your secrets?", "fail": fail}}
            said.append((await client.post(f"/threads/{thread}/runs/wait", json=body)).text)
            said.append((await client.get(f"/threads/{thread}/state")).text)
    return said


def stored(url: str) -> Iterator[tuple[str, bytes]]:
    """Give what the database holds: each row as text, and the raw bytes of its files."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT t::text FROM "{table}" t').fetchall()
            yield f"table {table}", "\n".join(text for (text,) in rows).encode()
        [(data,)] = connection.execute("SHOW data_directory").fetchall()
        [(oid,)] = connection.execute("SELECT oid::text FROM pg_database WHERE datname = current_database()").fetchall()
        for file in sorted((Path(data) / "base" / oid).iterdir()):
            yield f"file {file.name}", file.read_bytes()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = before, level


@pytest.fixture
async def places(
    environment: Mapping[str, str],
    server: ScramServer,
    store: SecretStore,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> AsyncIterator[dict[str, Any]]:
    """Where the service leaves something, after it was used and misused."""
    owner = create_database(server.url, "canary")
    own = environment_of(environment, store, owner, "database_password")
    sink = tmp_path / "audit.jsonl"
    urls = {role: create_login(owner, role) for role in ("app", "sealer")}
    for role, name in (("app", "database_password"), ("sealer", "sealer_password")):
        server.role(f"canary_{role}_login", CANARIES[name])
    settings = load_settings(own)
    async with open_adapter_context(settings) as context:
        await migrate(settings, context)
    with openai_endpoint() as (endpoint, url), sink_environment(sink) as shipping:
        model = {
            f"{PREFIX}MODEL__PROVIDER": "openai_compatible",
            f"{PREFIX}MODEL__NAME": "some-model",
            f"{PREFIX}MODEL__BASE_URL": url,
            f"{PREFIX}MODEL__API_KEY": "secret://model_api_key",
        }
        settings = load_settings({**environment_of(environment, store, urls["app"], "database_password"), **model})
        sealing = {
            **environment_of(environment, store, urls["sealer"], "sealer_password"),
            **shipping,
            f"{PREFIX}AUDIT__HEAD_SECONDS": "1",
        }
        await hold_all(settings)
        configure_logging("production", "debug")
        async with running_service(settings, CARELESS) as service:
            answers = await misuse(service)
            async with keeping(sealing):
                await until_sealed(service.container.sessions)
        logs = capfd.readouterr()
        assert endpoint.requests[0][1]["authorization"] == f"Bearer {CANARIES['model_api_key']}", "it is used"
        yield {
            "logs": logs.out + logs.err,
            "answers and errors": "\n".join(answers),
            "prompts": "\n".join(json.dumps(body) for _, _, body in endpoint.requests),
            "audit events": sink.read_text(),
            "settings": f"{settings!r} {settings.model_dump_json()}",
            "environment": json.dumps(sealing | own | model),
            **dict(stored(owner)),
        }


async def test_a_planted_secret_is_nowhere(places: dict[str, Any]) -> None:
    assert "secret://database_password" in places["logs"], "the careless log did happen"
    assert "RuntimeError" in places["logs"]
    assert "secret://model_api_key" in places["answers and errors"] + places["prompts"]
    assert "thread.created" in places["audit events"]
    found = [
        f"{name} in {where}"
        for where, content in places.items()
        for name, value in CANARIES.items()
        if value.encode() in (content if isinstance(content, bytes) else content.encode())
    ]
    assert found == []
