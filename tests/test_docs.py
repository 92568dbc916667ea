"""What the documentation names exists; what it shows can be run."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.copier_cli import ROOT
from tests.copier_yml import offered, questions

PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "template").glob("*.md"),
    *(ROOT / "template/docs").glob("*.md"),
]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
TEST = re.compile(r"`(?:template/)?(?:tests/[\w/]*)?(test_\w+\.py)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        found = page.parent / target
        assert found.exists() or found.with_name(f"{found.name}.jinja").exists(), target


def test_links_of_a_generated_project_lead_somewhere(project: Path) -> None:
    for page in [*project.glob("*.md"), *(project / "docs").glob("*.md")]:
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), (page, target)


@pytest.mark.parametrize(("makefile", "folder"), [("Makefile", "."), ("template/Makefile", "template")])
def test_named_make_targets_exist(makefile: str, folder: str) -> None:
    both = (ROOT / "Makefile").read_text() + (ROOT / "template/Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", both if folder == "." else (ROOT / makefile).read_text(), re.MULTILINE))
    pages = [page for page in PAGES if (folder == "template") == page.is_relative_to(ROOT / "template")]
    jinja = [ROOT / "template/README.md.jinja"] if folder == "template" else []
    for page in [*pages, *jinja]:
        for name in re.findall(r"(?:`|^\s*|&& )make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert name in targets, (page, name)


def test_named_tests_exist() -> None:
    names = {path.name for folder in ("tests", "template/tests") for path in (ROOT / folder).rglob("test_*.py")}
    for page in PAGES:
        for name in TEST.findall(page.read_text()):
            assert name in names, (page, name)


def test_every_question_is_in_the_reference() -> None:
    reference = (ROOT / "docs/reference/questions.md").read_text()
    for name, question in questions().items():
        assert f"`{name}`" in reference
        for value in offered(question):
            assert f"`{value}`" in reference
        if question.get("when") is not False:
            assert f"| `{question['default']}` |" in reference, name


def test_every_pin_is_recorded_with_its_source() -> None:
    recorded = (ROOT / "docs/reference/pins.md").read_text()
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        for action in re.findall(r"uses: (\S+)", workflow.read_text()):
            name, _, sha = action.partition("@")
            assert re.fullmatch(r"[0-9a-f]{40}", sha), action
            assert name in recorded
            assert sha in recorded


def test_changed_versions_of_uv_agree() -> None:
    [pinned] = re.findall(r'^VERSION = "([\d.]+)"', (ROOT / "template/tools/install_uv.py").read_text(), re.MULTILINE)
    assert f"\nuv=={pinned} " in (ROOT / "template/tools/uv.txt").read_text()


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(template: Path, folder_for_servers: Path) -> None:
    page = (ROOT / "docs/tutorial/first-agent.md").read_text()
    snippets = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    script = "\n".join(["set -eux", *snippets]).replace("uvx copier", '"$COPIER"')
    copier = Path(os.environ.get("VIRTUAL_ENV", ROOT / ".venv")) / "bin/copier"
    identity = {
        f"GIT_{who}_{what}": f"t@{what}.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder_for_servers,
        env={**os.environ, **identity, "TEMPLATE": str(template), "COPIER": str(copier)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    changed = re.findall(r"^[ MADRCU?]{2} (\S+)$", done.stdout, re.MULTILINE)
    assert "src/chassis/adapters/queue/redis.py" in changed
    assert not [path for path in changed if path.startswith("src/agent")]
