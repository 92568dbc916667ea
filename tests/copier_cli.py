"""Copier as a user calls it: the plain command line, never `--trust`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copier(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run copier and return what happened."""
    command = [sys.executable, "-m", "copier", *map(str, arguments)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def copy(template: Path, target: Path, answers: Mapping[str, str] | None = None, *options: str) -> Path:
    """Generate a project with defaults and these answers; fail the test when Copier does."""
    data = [f"--data={name}={value}" for name, value in (answers or {}).items()]
    done = copier("copy", "--defaults", "--quiet", *options, *data, template, target)
    assert done.returncode == 0, done.stderr
    return target


def git(directory: Path, *arguments: str) -> str:
    """Run git there and return what it printed."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit_all(directory: Path, message: str = "all") -> None:
    """Commit everything there, making the repository if need be."""
    if not (directory / ".git").exists():
        git(directory, "init", "-q", "-b", "main")
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "--allow-empty", "-m", message)


def copy_tree(target: Path) -> Path:
    """Copy the working tree, uncommitted changes included and ignored files not."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            destination = target / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, destination)
    return target


def snapshot(target: Path) -> Path:
    """Copy the working tree into a repository of its own."""
    commit_all(copy_tree(target), "snapshot")
    git(target, "tag", "v0.0.1")
    return target
