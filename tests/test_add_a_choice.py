"""The how-to that adds a choice, carried out as it is written on a copy of the repository."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.copier_cli import ROOT, commit_all, git, snapshot
from tests.copier_inside import CopierInside
from tests.copier_yml import offered
from tests.generated.project import must
from tests.how_to import Create, HowTo, Step, UnclearStepError
from tests.matrix import Matrix
from tests.render import Plan

PAGE = (ROOT / "docs/how-to/add-a-choice.md").read_text()
HOW_TO = HowTo.read(PAGE)
GUARDS = [
    "tests/test_choices.py",
    "tests/test_docs.py::test_every_question_is_in_the_reference",
    "tests/test_chart.py::test_the_pieces_of_the_schema_are_the_settings",
    "tests/test_chart.py::test_every_combination_has_its_own_settings",
]


class Grown(NamedTuple):
    """A copy of the repository in which the page was followed, and the answer it has since."""

    root: Path
    question: str
    value: str
    default: str


def run(command: list[str | Path], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the environment of a user: nothing of ours."""
    inherited = {name: v for name, v in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTEST", "PYTHON"))}
    environment = {**inherited, **environ}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def shell(commands: str, folder: Path) -> str:
    """Run commands of the page in a copy of the repository, with the Copier that these tests run."""
    script = "set -eux\n" + commands.replace("uvx copier", '"$PYTHON_HERE" -m copier')
    return must(run(["bash", "-c", script], folder, PYTHON_HERE=sys.executable))


def guards(root: Path) -> int:
    """Run that copy's own tests of choices."""
    command = [sys.executable, "-m", "pytest", "-q", *GUARDS]
    return run([*command], root).returncode


def choices(root: Path) -> dict[str, set[str]]:
    questions = yaml.safe_load((root / "copier.yml").read_text())
    return {name: set(offered(question)) for name, question in questions.items() if not name.startswith("_")}


@pytest.fixture(scope="module")
def grown(folder_for_servers: Path) -> Grown:
    root = folder_for_servers / "agent-chassis"
    git(ROOT, "clone", "-q", "--no-tags", str(ROOT), str(root))  # with its history, which tests of upgrades need
    git(root, "rm", "-rq", ".")
    snapshot(root)
    for step in HOW_TO.steps:
        step.undo(root)
    before = choices(root)
    HOW_TO.do(root)
    commit_all(root, "a choice")
    [(question, value)] = [(name, value) for name, after in choices(root).items() for value in after - before[name]]
    return Grown(root, question, value, yaml.safe_load((root / "copier.yml").read_text())[question]["default"])


@pytest.fixture(scope="module")
def rendered(grown: Grown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the new answer, rendered in memory and written down."""
    copier = CopierInside.of(grown.root, vcs_ref="HEAD")
    matrix = Matrix(copier)
    assert grown.value in matrix.choices[grown.question]
    folder = tmp_path_factory.mktemp("rendered")
    for path, file in Plan(copier, matrix).render(matrix.complete({grown.question: grown.value})).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(file.content)
    return folder


def test_a_project_has_the_new_adapter_and_not_the_others(grown: Grown, rendered: Path) -> None:
    adapters = {path.name for path in (rendered / "src/chassis/adapters" / grown.question).iterdir()}
    assert adapters == {"__init__.py", f"{grown.value}.py", f"{grown.value}_settings.py"}
    selected = (rendered / "src/chassis/selected.py").read_text()
    assert f"chassis.adapters.{grown.question}.{grown.value} import" in selected
    assert f"chassis.adapters.{grown.question}.{grown.default}" not in selected


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_project_is_clean(rendered: Path, command: list[str]) -> None:
    must(run([sys.executable, "-m", "ruff", *command, "--no-cache", "."], rendered))


def test_the_copy_passes_its_tests_of_choices(grown: Grown) -> None:
    assert guards(grown.root) == 0


@pytest.mark.parametrize("step", HOW_TO.steps, ids=lambda step: step.path)
def test_a_forgotten_step_is_red(tmp_path: Path, step: Step) -> None:
    root = snapshot(tmp_path / "agent-chassis")
    HOW_TO.do(root, without=step)
    assert guards(root) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## 2. The answer", "```yaml\nx: y\n```\n\n## 2. The answer"),
        ("## 2. The answer", "```python\nx = 1\n```\n\n## 2. The answer"),
        ("## 2. The answer", "Create `x.py`:\n\n## 2. The answer"),
        ("## 2. The answer", "```\n\n## 2. The answer"),
        ("## 2. The answer", "    x = 1\n\n## 2. The answer"),
        ("Change `copier.yml`:", "Change copier.yml:"),
        ("Change `copier.yml`:\n", "Change `copier.yml`:\n\nLike this."),
    ],
    ids=[
        "another language",
        "not announced",
        "announced alone",
        "open",
        "indented",
        "announced badly",
        "announced too early",
    ],
)
def test_a_block_that_is_no_step_is_an_error(old: str, new: str) -> None:
    assert PAGE.count(old) == 1
    with pytest.raises(UnclearStepError):
        HowTo.read(PAGE.replace(old, new))


def test_a_change_whose_place_is_not_found_is_an_error(tmp_path: Path) -> None:
    root = snapshot(tmp_path / "agent-chassis")
    for step in HOW_TO.steps:
        step.undo(root)
        (root / step.path).write_text("something else\n")
        with pytest.raises(UnclearStepError):
            step.do(root)


@pytest.mark.slow
def test_full_a_project_with_the_choice_passes_and_without_a_file_of_it_is_red(grown: Grown) -> None:
    _, in_a_project = HOW_TO.commands
    output = shell(in_a_project, grown.root)
    assert "0 broken." in output
    assert len(re.findall(r"^tests/chassis/contract/test_\w+\.py::\S+ PASSED", output, re.MULTILINE)) >= 5
    [project] = (grown.root / "build").iterdir()
    tests = ("tests/chassis/contract/test_secrets.py", "tests/chassis/unit/test_pieces.py")
    suite: list[str | Path] = [project / ".venv/bin/pytest", "-q", *tests]
    must(run(suite, project))
    for step in HOW_TO.steps:
        if isinstance(step, Create) and step.path.endswith(".py"):
            file = project / Path(step.path).relative_to("template")
            file.unlink()
            assert run(suite, project).returncode != 0, f"nobody misses {step.path}"
            file.write_text(step.content)


@pytest.mark.slow
def test_full_the_template_passes_its_own_checks_with_the_choice(grown: Grown) -> None:
    in_the_template, _ = HOW_TO.commands
    assert re.search(r"\d+ passed", shell(in_the_template, grown.root))
