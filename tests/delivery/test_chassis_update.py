"""`make chassis-update` and `make chassis-propose`: what the workflow does on Mondays, with a program in gh's place."""

import subprocess
from pathlib import Path

import pytest

from tests.copier_cli import commit_all, copy, git, snapshot
from tests.generated.project import must, open_folder, user_environment

pytestmark = pytest.mark.slow

GH = """#!/bin/sh
echo "gh $*" >> "$RECORD"
case "$*" in *list*) echo 0;; esac
"""


def make(project: Path, verb: str, **environment: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", verb],
        cwd=project,
        env=user_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return must(done)


def test_a_newer_template_becomes_a_pull_request_that_names_the_conflicts(tmp_path: Path) -> None:
    with open_folder() as folder:
        template = snapshot(folder / "template")
        project = copy(template, folder / "my-agent")
        make(project, "uv.lock")
        commit_all(project, "start")
        git(folder, "init", "-q", "--bare", "origin.git")
        git(project, "remote", "add", "origin", str(folder / "origin.git"))
        assert "no newer version" in make(project, "chassis-update")

        page = project / "docs/architecture.md"
        page.write_text(page.read_text().replace("# Architecture", "# Our architecture", 1))
        commit_all(project, "ours")
        for path in ("docs/architecture.md", "docs/jobs.md"):
            theirs = template / "template" / path
            theirs.write_text(theirs.read_text().replace("# ", "# The ", 1))
        commit_all(template, "theirs")
        git(template, "tag", "v0.0.2")

        said = make(project, "chassis-update")
        assert "moves from v0.0.1 to v0.0.2" in said
        assert "- `docs/architecture.md`" in said
        assert "docs/jobs.md" not in said

        (tmp_path / "gh").write_text(GH)
        (tmp_path / "gh").chmod(0o755)
        path = f"{tmp_path}:{user_environment()['PATH']}"
        make(project, "chassis-propose", PATH=path, RECORD=str(tmp_path / "record"))
        assert "gh pr create --head=chassis-update" in (tmp_path / "record").read_text()
        shown = git(folder / "origin.git", "show", "chassis-update:docs/architecture.md")
        assert "# Our architecture" in shown
        assert "# The Architecture" in shown
        changed = git(folder / "origin.git", "show", "--name-only", "--format=", "chassis-update").split()
        assert "docs/jobs.md" in changed
        assert "build/chassis-update.md" not in changed
