"""The trees that sabotages need: a copy of this repository, and generated projects with their environments."""

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
        self._projects: dict[str, Ground] = {}

    def of(self, patch: Patch) -> Ground:
        """Give the tree in which this patch is tried."""
        return self._project(patch.answers) if patch.of_project else self.repository

    @cached_property
    def repository(self) -> Ground:
        """The working tree as a next commit of this repository: some of its tests look at earlier releases."""
        self._say("Copying the repository ...")
        target = self._directory / "repository"
        git(self._directory, "clone", "-q", "--no-tags", "--no-checkout", str(ROOT), str(target))
        return Ground(snapshot(target), Path(sys.executable), strip=1, workers=("-n", "2"))

    def _project(self, answers: str) -> Ground:
        """Give the project with these answers, the others at their defaults."""
        if answers not in self._projects:
            template = self.repository.root
            self._say(f"Generating a project ({answers or 'defaults'}) and installing its dependencies ...")
            directory = self._directory / f"project-{len(self._projects)}"
            directory.mkdir()
            project = installed(template, directory, dict(pair.split("=") for pair in answers.split()))
            commit_all(project)
            self._projects[answers] = Ground(project, project / ".venv/bin/python", strip=2, workers=())
        return self._projects[answers]
