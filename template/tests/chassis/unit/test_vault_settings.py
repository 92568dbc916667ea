"""Settings of the secret backend `vault`: what cannot work is said before the service starts, each in one sentence."""

from pathlib import Path

import pytest
from tests.chassis.unit.test_settings import VALID

from chassis.adapters.secret_backend.vault_settings import SERVICE_ACCOUNT_TOKEN, SecretSettings
from chassis.settings_loader import InvalidSettingsError, load_settings

OTHERS = {name: value for name, value in VALID.items() if not name.startswith("CHASSIS__SECRETS__")}
JWT = {"url": "https://vault:8200", "auth": "jwt", "role": "agent", "token_file": "FILE"}
APPROLE = {"url": "https://vault:8200", "auth": "approle", "role": "agent", "secret_id_file": "FILE"}
KUBERNETES = {"url": "https://vault:8200", "auth": "kubernetes", "role": "agent"}


def load(given: dict[str, str], file: Path, environment: str = "test") -> SecretSettings:
    file.touch()
    secrets = {
        f"CHASSIS__SECRETS__{name.upper()}": str(file) if value == "FILE" else value for name, value in given.items()
    }
    return load_settings({**OTHERS, "CHASSIS__ENVIRONMENT": environment, **secrets}).secrets


def problems(given: dict[str, str], file: Path, environment: str = "test") -> list[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        load(given, file, environment)
    return [problem for problem in caught.value.problems if problem.startswith("CHASSIS__SECRETS")]


@pytest.mark.parametrize("given", [JWT, APPROLE, KUBERNETES], ids=lambda given: given["auth"])
def test_each_login_needs_no_more_than_this(given: dict[str, str], tmp_path: Path) -> None:
    settings = load(given, tmp_path / "file")
    expected = SERVICE_ACCOUNT_TOKEN if given["auth"] == "kubernetes" else tmp_path / "file"
    assert (settings.login_file, settings.login_path) == (expected, f"auth/{given['auth']}/login")


def test_a_method_can_be_mounted_elsewhere(tmp_path: Path) -> None:
    assert load({**JWT, "auth_mount": "clusters/one"}, tmp_path / "file").login_path == "auth/clusters/one/login"


@pytest.mark.parametrize(
    ("given", "variable", "what"),
    [
        ({**JWT, "token_file": ""}, "TOKEN_FILE", "path does not point to a file"),
        ({name: JWT[name] for name in ("url", "auth", "role")}, "TOKEN_FILE", "is required for auth jwt"),
        ({**JWT, "secret_id_file": "FILE"}, "SECRET_ID_FILE", "has no effect for auth jwt; remove it"),
        ({**KUBERNETES, "auth": "approle"}, "SECRET_ID_FILE", "is required for auth approle"),
        ({**APPROLE, "token_file": "FILE"}, "TOKEN_FILE", "has no effect for auth approle; remove it"),
        ({**KUBERNETES, "secret_id_file": "FILE"}, "SECRET_ID_FILE", "has no effect for auth kubernetes"),
        ({**JWT, "auth": "token"}, "AUTH", "input should be 'approle', 'kubernetes' or 'jwt'"),
        ({**JWT, "url": "https://agent:hunter2@vault:8200"}, "URL", "must be a scheme, a host and perhaps a port"),
        ({**JWT, "url": "https://vault:8200/v1"}, "URL", "must be a scheme, a host and perhaps a port"),
        ({**JWT, "url": "http://vault:8200", "ca_file": "FILE"}, "CA_FILE", "has no effect without https"),
        ({**JWT, "database_mount": "postgres"}, "DATABASE_MOUNT", "has no effect without secrets.database_role"),
        ({**JWT, "prefix": "agent"}, "PREFIX", "string should match pattern"),
        ({**JWT, "prefix": "../other/"}, "PREFIX", "string should match pattern"),
        ({**JWT, "mount": "/secret"}, "MOUNT", "string should match pattern"),
    ],
)
def test_what_cannot_work_is_one_sentence(given: dict[str, str], variable: str, what: str, tmp_path: Path) -> None:
    [problem] = problems(given, tmp_path / "file")
    assert problem.startswith(f"CHASSIS__SECRETS__{variable}: {what}")
    assert "hunter2" not in problem


def test_all_of_it_is_said_at_once(tmp_path: Path) -> None:
    wrong = {"url": "ftp://vault", "auth": "jwt", "secret_id_file": "FILE", "database_mount": "postgres"}
    found = [problem.split(":")[0].removeprefix("CHASSIS__SECRETS__") for problem in problems(wrong, tmp_path / "file")]
    assert found == ["DATABASE_MOUNT", "ROLE", "SECRET_ID_FILE", "TOKEN_FILE", "URL"]


def test_production_speaks_https_only(tmp_path: Path) -> None:
    plain = {**JWT, "url": "http://vault:8200"}
    assert load(plain, tmp_path / "file").url.scheme == "http"
    [problem] = problems(plain, tmp_path / "file", "production")
    assert problem.startswith("CHASSIS__SECRETS__URL: must begin with https:// in production")


@pytest.mark.skipif(SERVICE_ACCOUNT_TOKEN.exists(), reason="this is a pod")
def test_production_says_that_no_service_account_is_mounted(tmp_path: Path) -> None:
    [problem] = problems(KUBERNETES, tmp_path / "file", "production")
    assert problem.startswith(f"CHASSIS__SECRETS__TOKEN_FILE: is required where {SERVICE_ACCOUNT_TOKEN} is not there")
