"""Configuration: strict, complete about what is wrong, and silent about values."""

import subprocess
import sys
from pathlib import Path

import pytest

from chassis.settings_loader import InvalidSettingsError, example_variables, load_settings

VALID = {**example_variables(), "CHASSIS__ENVIRONMENT": "test"}


def problems(**changes: str) -> list[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings({**VALID, **{f"CHASSIS__{name}": value for name, value in changes.items()}})
    return caught.value.problems


def test_the_environment_becomes_a_tree() -> None:
    settings = load_settings({**VALID, "CHASSIS__RUNS__CONCURRENCY": "3", "OTHER": "x"})
    assert (settings.runs.concurrency, settings.environment) == (3, "test")


def test_every_problem_is_named_at_once_with_its_remedy() -> None:
    found = problems(
        RUNS__CONCURRENCY="many",
        HTTP__PORT="99999",
        DATABSE__URL="x",
        ENVIRONMENT="prod",
        AUDIT__SIGNING_KEY="secret://key",
        CHECKPOINTS__ENCRYPTION_KEY="secret://key",
    )
    # A mistyped environment is strict, and then the secret backend and the audit sink may say something, too.
    ours = [name for problem in found if "__SECRETS__" not in (name := problem.split(":")[0]) and "SINK__" not in name]
    assert ours == [
        "CHASSIS__DATABSE__URL",
        "CHASSIS__ENVIRONMENT",
        "CHASSIS__HTTP__PORT",
        "CHASSIS__IDENTITY",
        "CHASSIS__RUNS__CONCURRENCY",
    ]
    assert any(problem.endswith("Did you mean CHASSIS__DATABASE__URL?") for problem in found)
    assert any("ENVIRONMENT" in problem and "development" in problem for problem in found)


def test_values_are_never_echoed() -> None:
    found = " ".join(problems(DATABASE__URL="mysql://app:hunter2@x", MODEL__API_KEY="hunter2", HUNTER="hunter2"))
    assert "hunter2" not in found
    assert "CHASSIS__MODEL__API_KEY" in found


def test_the_database_is_required() -> None:
    with pytest.raises(InvalidSettingsError, match="CHASSIS__DATABASE__URL: is required"):
        load_settings({name: value for name, value in VALID.items() if "DATABASE" not in name})


def test_production_is_the_default_and_refuses_the_development_principal() -> None:
    environ = {name: value for name, value in VALID.items() if name != "CHASSIS__ENVIRONMENT"}
    with pytest.raises(InvalidSettingsError, match="development principal is refused in production"):
        load_settings(environ)


def test_production_needs_a_signing_key_of_its_own() -> None:
    found = problems(ENVIRONMENT="production")
    assert any("AUDIT__SIGNING_KEY: is required in production" in problem for problem in found)


def test_production_refuses_a_dotenv_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("CHASSIS__HTTP__PORT=hunter2\n")
    found = problems(ENVIRONMENT="production")
    assert any(problem.startswith(".env: such a file is never read") for problem in found)
    assert load_settings(VALID).http.port == 8000, "and elsewhere it is not read either"


def test_production_refuses_a_password_in_a_url() -> None:
    found = problems(ENVIRONMENT="production", DATABASE__URL="postgresql://app:hunter2@db/app")
    assert any("DATABASE__URL: must not contain a password" in problem for problem in found)
    assert "hunter2" not in " ".join(found)


def test_a_remote_model_needs_an_address_and_a_key() -> None:
    assert "model.base_url and model.api_key" in problems(MODEL__PROVIDER="openai_compatible")[0]


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(VALID)
    with pytest.raises(Exception, match="frozen"):
        settings.runs.concurrency = 1  # type: ignore[misc]


def test_a_wrong_configuration_ends_the_process_with_2_and_no_traceback() -> None:
    command = [sys.executable, "-m", "chassis", "serve"]
    done = subprocess.run(command, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("The configuration has ")
    assert "Traceback" not in done.stderr
