"""Merge the template's newest version without asking, and write what a person has to look at: the text of the pull request.

`chassis_update.py propose` then pushes that as a branch and opens the pull request, with GitHub's own program.

Answers stay as they are. Where both sides changed the same lines, the markers stay in the file, so that nothing is lost and CI
fails until somebody has decided.
"""

import os
import subprocess
import sys
from pathlib import Path

REPORT = Path("build/chassis-update.md")
BRANCH = "chassis-update"
TITLE = "Update the chassis"
COPIER = Path(".tools/delivery/bin/copier").absolute()


def propose() -> int:
    """Push what `update` has changed, and open a pull request unless there is one; nothing to do without a change."""
    if not _git("status", "--porcelain").strip():
        print("Nothing has changed.")
        return 0
    who = ("-c", "user.name=chassis-update", "-c", "user.email=chassis-update@users.noreply.github.com")
    _git("add", "--all")  # conflicts included: git changes no branch while one is open
    _git("checkout", "--quiet", "-B", BRANCH)
    _git(*who, "commit", "--quiet", f"--message={TITLE}")
    subprocess.run(["gh", "auth", "setup-git"], check=True)
    _git("push", "--quiet", "--force", "origin", BRANCH)
    listed = ["gh", "pr", "list", f"--head={BRANCH}", "--state=open", "--json=number", "--jq=length"]
    if subprocess.run(listed, stdout=subprocess.PIPE, text=True, check=True).stdout.strip() == "0":
        subprocess.run(
            ["gh", "pr", "create", f"--head={BRANCH}", f"--title={TITLE}", f"--body-file={REPORT}"], check=True
        )
    return 0


def update() -> int:
    """Update, lock again, and report."""
    before = _template_version()
    done = subprocess.run([COPIER, "update", "--defaults", "--conflict", "inline"], check=False)
    if done.returncode != 0:
        return done.returncode
    after = _template_version()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    if before == after and not _git("status", "--porcelain").strip():
        REPORT.write_text("There is no newer version of the template.\n", encoding="utf-8")
        print(REPORT.read_text(encoding="utf-8"), end="")
        return 0
    conflicts = _conflicts()
    if "pyproject.toml" not in conflicts:
        subprocess.run([os.environ.get("UV", "uv"), "lock", "--quiet"], check=True)
    REPORT.write_text(_report(before, after, conflicts), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"), end="")
    return 0


def _report(before: str, after: str, conflicts: list[str]) -> str:
    lines = [
        f"The template moves from {before} to {after}.",
        "",
        "What is yours was left alone. Read the diff of what runs, and the template's CHANGELOG for controls that changed.",
        "",
        *(["Both sides changed these; decide, and remove the markers:", ""] if conflicts else []),
        *(f"- `{path}`" for path in conflicts),
        *([""] if conflicts else []),
        "Then `make test`, and merge.",
    ]
    return "\n".join(lines) + "\n"


def _template_version() -> str:
    lines = Path(".copier-answers.yml").read_text(encoding="utf-8").splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith("_commit: "))


def _conflicts() -> list[str]:
    found = _git("grep", "-lE", "^(<<<<<<< |>>>>>>> )", check=False)
    return sorted(found.splitlines())


def _git(*arguments: str, check: bool = True) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=check).stdout


if __name__ == "__main__":
    sys.exit(propose() if sys.argv[1:] == ["propose"] else update())
