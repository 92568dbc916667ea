"""The template as a repository of its own, and projects generated from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copier_cli import copy, snapshot
from tests.copier_inside import CopierInside
from tests.generated.project import open_folder
from tests.hostile import UNUSUAL_TEXTS
from tests.matrix import Matrix
from tests.render import Plan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the slow tests of a file, which share what is expensive to make, run in one process: `-n 2 --dist loadgroup`."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


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
