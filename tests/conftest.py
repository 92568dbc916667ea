"""The template as a repository of its own, and projects generated from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.copier_cli import copy, snapshot
from tests.copier_inside import CopierInside
from tests.generated.project import open_folder
from tests.hostile import UNUSUAL_TEXTS
from tests.matrix import Matrix
from tests.render import Plan


def sharers_of(nodeid: str) -> str:
    """Name the tests that share a generated project: those of a file, or with `project=` in their names of a project."""
    file, _, test = nodeid.partition("::")
    return f"{file}{test.partition('[project=')[2]}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `-n 2 --dist loadscope`, give what shares a project to one process.

    As `--dist loadgroup` would, which pytest-xdist 3.8 and pytest 9.2 do not do together: a test's id can no longer be set.
    """
    if config.getoption("dist") != "loadscope":
        return None
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = sharers_of  # noqa: SLF001 - the method that says what belongs together
    return scheduler


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a tagged repository."""
    return snapshot(tmp_path_factory.mktemp("template") / "agent-chassis")


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the defaults; do not change it."""
    return copy(template, tmp_path_factory.mktemp("project") / "my-agent")


@pytest.fixture(scope="module")
def folder_for_servers() -> Iterator[Path]:
    """A folder in which projects can start their servers."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def plan(template: Path) -> Plan:
    """Every file of the template, ready to be rendered in memory for any combination."""
    copier = CopierInside.of(template)
    return Plan(copier, Matrix(copier, texts=UNUSUAL_TEXTS))
