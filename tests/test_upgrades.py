"""Every released version updates to this one, with the user's work kept."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.copier_cli import ROOT, commit_all, copier, copy, git

RELEASES = sorted((ROOT / "hooks/upgrades").glob("*.yml"))


def record(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def test_there_is_a_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_a_release_is_recorded_as_the_schema_says(path: Path) -> None:
    release = record(path)
    jsonschema.validate(release, json.loads((ROOT / "hooks/upgrades/schema.json").read_text()))
    assert release["version"] == path.stem
    assert f"## {path.stem}" in (ROOT / "CHANGELOG.md").read_text()
    git(ROOT, "merge-base", "--is-ancestor", release["commit"], "HEAD")


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_a_project_of_that_release_updates_and_keeps_its_work(path: Path, template: Path, tmp_path: Path) -> None:
    release = record(path)
    repository = tmp_path / "template"
    git(tmp_path, "clone", "-q", "--no-tags", str(ROOT), str(repository))
    git(repository, "checkout", "-q", "-B", "main", release["commit"])
    git(repository, "tag", f"v{release['version']}")
    project = copy(repository, tmp_path / "project", {}, "--vcs-ref", f"v{release['version']}")
    (project / "src/agent/mine.py").write_text("MINE = True\n")
    shutil.rmtree(project / "src/agent/prompts")
    readme = (project / "README.md").read_text()
    (project / "README.md").write_text(readme + "\n## Ours\n")
    commit_all(project)

    for entry in repository.iterdir():  # the working tree becomes the next version
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(template, repository, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    commit_all(repository, "next")
    git(repository, "tag", "v999.0.0")

    done = copier("update", "--defaults", "--quiet", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "src/agent/mine.py").exists()
    assert not (project / "src/agent/prompts").exists()
    assert "## Ours" in (project / "README.md").read_text()
    assert not [name for name in git(project, "diff", "--name-only", "--diff-filter=U").splitlines() if name]
    fresh = copy(repository, tmp_path / "fresh", {}, "--vcs-ref", "v999.0.0")
    for file in (fresh / "src/chassis").rglob("*.py"):
        assert (project / file.relative_to(fresh)).read_bytes() == file.read_bytes()
