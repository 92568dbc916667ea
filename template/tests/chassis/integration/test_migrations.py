"""The schema: up, down and up again on a real Postgres, no drift, nothing unsafe."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from tests.support.isolation import elsewhere

from chassis.commands.migrate import migrate
from chassis.db.migrations import BRANCHES, MigrationError, alembic_config, check, downgrade, offline_sql
from chassis.dev.postgres import create_database
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings
from chassis.wiring import open_adapter_context

pytestmark = pytest.mark.slow

SQUAWK = ["--reporter", "json", "--pg-version", "15"]
ALEMBICS_OWN = "version_num VARCHAR(32)"  # the one statement that is not ours


@pytest.fixture
def database(environment: Mapping[str, str], settings: Settings) -> Iterator[str]:
    """An empty database of its own."""
    url = environment["CHASSIS__DATABASE__URL"]
    yield create_database(url, "migrations_probe")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE migrations_probe WITH (FORCE)")


async def upgraded(settings: Settings, database: str) -> AdapterContext:
    async with open_adapter_context(settings) as context:
        probe = elsewhere(context, settings, database)
        await migrate(settings, probe)
        return probe


def tables(database: str) -> set[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {name for (name,) in rows}


async def test_up_down_and_up_again(settings: Settings, database: str) -> None:
    await upgraded(settings, database)
    first = tables(database)
    assert {"run", "thread", "run_event", "outbox", "tool_receipt", "audit_event"} <= first
    assert await asyncio.to_thread(check, database) is None
    for branch in BRANCHES:
        await asyncio.to_thread(downgrade, database, f"{branch}@base")
    assert {name for name in tables(database) if not name.startswith("checkpoint")} == {"alembic_version"}
    await upgraded(settings, database)
    assert tables(database) == first


async def test_drift_is_noticed(settings: Settings, database: str) -> None:
    await upgraded(settings, database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE run DROP COLUMN worker_id")
    problem = await asyncio.to_thread(check, database)
    assert problem is not None
    assert "worker_id" in problem


async def test_migrating_twice_at_once_is_safe(settings: Settings, database: str) -> None:
    await asyncio.gather(*(upgraded(settings, database) for _ in range(3)))
    assert await asyncio.to_thread(check, database) is None


def test_the_sql_is_safe(tmp_path: Path) -> None:
    file = tmp_path / "all.sql"
    file.write_text(offline_sql().replace(ALEMBICS_OWN, "version_num TEXT"))
    squawk = shutil.which("squawk", path=str(Path(sys.executable).parent))
    assert squawk, "squawk-cli is a development dependency"
    done = subprocess.run([squawk, *SQUAWK, str(file)], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout or "[]") == []


def test_the_wrong_directory_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MigrationError, match=r"There is no migrations/env\.py here"):
        alembic_config(None)
