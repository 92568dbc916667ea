"""What the recipe of the image must say, whoever the project is for; what is in it, its own tests look at."""

import re
from pathlib import Path

import pytest


@pytest.fixture
def dockerfile(project: Path) -> list[str]:
    """Its instructions, one a line."""
    text = re.sub(r"^ *#.*\n", "", (project / "Dockerfile").read_text(), flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", "", text).splitlines()


def test_it_is_built_on_one_base_named_by_content(dockerfile: list[str]) -> None:
    bases = [line.split()[1] for line in dockerfile if line.startswith("FROM ")]
    assert re.fullmatch(r"docker\.io/library/python:[\w.-]+@sha256:[0-9a-f]{64}", bases[0])
    assert set(bases[1:]) == {"base"}


def test_it_runs_as_nobody_in_particular(dockerfile: list[str]) -> None:
    [user] = [line.split()[1] for line in dockerfile if line.startswith("USER ")]
    assert all(int(part) > 10000 for part in user.split(":"))


def test_it_installs_by_hash_and_nothing_for_development(dockerfile: list[str]) -> None:
    installs = [line for line in dockerfile if re.match(r"RUN (pip install|uv )", line)]
    assert len(installs) == 2
    assert {"--require-hashes", "--only-binary"} <= set(installs[0].split())
    assert installs[1].split()[1:] == ["uv", "sync", "--locked", "--no-dev", "--no-install-project", "--no-build"]
