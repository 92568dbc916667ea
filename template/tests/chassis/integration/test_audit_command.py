"""`python -m chassis audit ...`, as a person or a pipeline calls it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.audit import KEY, keeper_environment, keeping, until_sealed, write
from tests.support.isolation import isolated_environment

from chassis.dev.environment import DATABASE_URL, as_role
from chassis.settings_loader import load_settings
from chassis.wiring import open_container

pytestmark = pytest.mark.slow


def audit(environment: Mapping[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chassis", "audit", *map(str, arguments)]
    environment = {**environment, "PYTHONPATH": os.pathsep.join([".", "src"])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
async def sealed(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Path]:
    """An auditor's environment, and the sink's file."""
    own = await isolated_environment(environment, "auditcommand")
    sink = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    async with open_container(load_settings(own)) as container:
        await write(container.sessions, 1, 12)
        with keeper_environment(own, sink, CHASSIS__AUDIT__HEAD_EVENTS="12") as keeper:
            async with keeping(keeper):
                await until_sealed(container.sessions)
    return as_role(own, "auditor"), sink


def test_verify_says_how_many_and_until_when(sealed: tuple[dict[str, str], Path]) -> None:
    environment, sink = sealed
    done = audit(environment, "verify", "--head", sink)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Verified 12 events: none was changed, removed, inserted or put in another order.\n")
    assert "Signed until 20" in done.stdout
    assert f"with key {KEY.public.key_id}." in done.stdout
    assert "Heads kept outside the database that agree: " in done.stdout


def test_export_gives_what_was_shipped_and_is_itself_audited(sealed: tuple[dict[str, str], Path]) -> None:
    environment, sink = sealed
    exported = [json.loads(line) for line in audit(environment, "export", "--after", "2").stdout.splitlines()]
    shipped = [json.loads(line) for line in sink.read_text().splitlines()]
    assert exported == [record for record in shipped if record["metadata"].get("sequence", 0) > 2]
    assert "audit.exported" in audit(environment, "tail").stdout


def test_tail_shows_a_line_an_event(sealed: tuple[dict[str, str], Path]) -> None:
    lines = audit(sealed[0], "tail", "-n", "3").stdout.splitlines()
    assert len(lines) == 3
    assert "audit.read" in lines[-1]
    assert "unsealed" in lines[-1]


def test_key_prints_what_an_auditor_needs(sealed: tuple[dict[str, str], Path]) -> None:
    assert audit(sealed[0], "key").stdout.strip() == KEY.public.text


@pytest.mark.parametrize(
    ("changes", "arguments", "code", "sentence"),
    [
        ({DATABASE_URL: "postgresql://x@127.0.0.1:1/x"}, ["verify"], 1, "The database cannot be reached"),
        ({}, ["verify", "--head", "nowhere.jsonl"], 2, "nowhere.jsonl cannot be read: No such file"),
        ({}, ["verify", "--public-key", "x"], 2, "A public key is 32 bytes in base64"),
    ],
)
def test_a_mistake_is_one_sentence(
    sealed: tuple[dict[str, str], Path], changes: dict[str, str], arguments: list[str], code: int, sentence: str
) -> None:
    done = audit({**sealed[0], **changes}, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_that_cannot_be_read_is_one_sentence(sealed: tuple[dict[str, str], Path]) -> None:
    done = audit({**sealed[0], "CHASSIS__AUDIT__SIGNING_KEY": "secret://absent_key"}, "verify")
    assert done.returncode in {1, 2}, "1 where the backend of a laptop is not there to say that it has none"
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()[-1]) > 20


async def test_an_empty_database_is_one_sentence(environment: Mapping[str, str]) -> None:
    done = audit({**environment, DATABASE_URL: environment[DATABASE_URL].rpartition("/")[0] + "/postgres"}, "verify")
    assert done.returncode == 2
    assert "Migrate first" in done.stderr
    assert "Traceback" not in done.stderr
