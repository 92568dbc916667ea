"""The two trees that sabotages need: a copy of this repository, and one generated project with its environment."""

import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from tests.copier_cli import ROOT, commit_all, git, snapshot
from tests.generated.project import installed
from tests.sabotage.ground import Ground
from tests.sabotage.patch import Patch


def _silent(_: str) -> None:
    pass


class Grounds:
    """Makes each tree when a patch first needs it."""

    def __init__(self, directory: Path, say: Callable[[str], None] = _silent) -> None:
        self._directory = directory
        self._say = say

    def of(self, patch: Patch) -> Ground:
        """Give the tree in which this patch is tried."""
        return self.project if patch.of_project else self.repository

    @cached_property
    def repository(self) -> Ground:
        """The working tree as a next commit of this repository: some of its tests look at earlier releases."""
        self._say("Copying the repository ...")
        target = self._directory / "repository"
        git(self._directory, "clone", "-q", "--no-tags", "--no-checkout", str(ROOT), str(target))
        return Ground(snapshot(target), Path(sys.executable), strip=1, workers=("-n", "2"))

    @cached_property
    def project(self) -> Ground:
        """A generated project with the defaults."""
        template = self.repository.root
        self._say("Generating a project and installing its dependencies ...")
        directory = self._directory / "project"
        directory.mkdir()
        project = installed(template, directory)
        commit_all(project)
        return Ground(project, project / ".venv/bin/python", strip=2)
