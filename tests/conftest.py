"""The template as a repository of its own, and projects generated from it."""

from pathlib import Path

import pytest

from tests.copier_cli import copy, snapshot


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a tagged repository."""
    return snapshot(tmp_path_factory.mktemp("template") / "agent-chassis")


@pytest.fixture(scope="session")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the defaults; do not change it."""
    return copy(template, tmp_path_factory.mktemp("project") / "my-agent")
