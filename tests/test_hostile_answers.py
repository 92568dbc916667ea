"""Hostile answers are refused in one sentence with nothing written, or come out as text wherever they stand."""

import json
import re
import shutil
from pathlib import Path

import copier
import pytest
import yaml

from tests import copier_cli
from tests.copier_cli import commit_all
from tests.copier_yml import matrix, questions
from tests.decision_tree import Answers
from tests.hostile import HARMLESS, REFUSED, UNUSUAL_TEXTS
from tests.read_back import Project, changed_elsewhere, expected, read_back
from tests.render import Plan

CHOSEN_BY_KIND = [
    ("project_name", "../evil"),
    ("description", 'a sentence"\n[tool.evil]\nkey = "value'),
    ("repository_owner", "$(id)"),
    ("queue", "../../x"),
    ("repository_url", "https://evil.example/x"),
]


def name_of(pair: tuple[str, str]) -> str:
    return f"{pair[0]}={pair[1][:24]!a}"


def assert_one_sentence(message: str, question: str) -> None:
    """The question, and why; what Copier itself says about a choice lists those that are offered."""
    own = rf"Validation error for question '{question}': [A-Z][^.]*\."
    of_copier = rf"Invalid choice for '{question}': .* is not in \[[a-z0-9_', ]+\]"
    assert re.fullmatch(f"{own}|{of_copier}", message), message
    assert len(message) < 400


@pytest.fixture(scope="module")
def folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a plain folder, since Copier would clone a repository each time."""
    plain = tmp_path_factory.mktemp("plain") / "agent-chassis"
    return Path(shutil.copytree(template, plain, ignore=shutil.ignore_patterns(".git")))


def refuse(folder: Path, target: Path, pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=pair[0]) as error:
        copier.run_copy(str(folder), target, dict([pair]), defaults=True, quiet=True)
    assert type(error.value) is ValueError  # no UnicodeEncodeError halfway
    assert_one_sentence(str(error.value), pair[0])
    assert not list(target.parent.iterdir())


@pytest.mark.parametrize("refused", REFUSED, ids=name_of)
def test_a_bad_answer_is_refused_with_one_sentence(plan: Plan, refused: tuple[str, str]) -> None:
    answers = Answers({**plan.matrix.complete({}), **dict([refused])}, plan.matrix.computed)
    assert_one_sentence(plan.copier.refusal(refused[0], answers), refused[0])


@pytest.mark.parametrize("refused", REFUSED[::4], ids=name_of)
def test_where_an_answer_is_refused_nothing_is_written(folder: Path, tmp_path: Path, refused: tuple[str, str]) -> None:
    refuse(folder, tmp_path / "out", refused)


@pytest.mark.slow
@pytest.mark.parametrize("question", list(dict(REFUSED)))
def test_where_an_answer_is_refused_nothing_is_written_in_full(folder: Path, tmp_path: Path, question: str) -> None:
    for pair in REFUSED:
        if pair[0] == question:
            refuse(folder, tmp_path / "out", pair)


@pytest.mark.parametrize("question", UNUSUAL_TEXTS)
def test_no_answer_at_all_is_refused(folder: Path, tmp_path: Path, question: str) -> None:
    with pytest.raises(copier.errors.InvalidTypeError, match=question):
        copier.run_copy(str(folder), tmp_path / "out", {question: None}, defaults=True, quiet=True)
    assert not list(tmp_path.iterdir())


def refuse_by_command_line(template: Path, folder: Path, pair: tuple[str, str]) -> None:
    question, value = pair
    given = [f"--data={question}={value}"]
    if "\0" in value or "\ud800" in value or len(value) > 1000:
        data = folder / "data.json"
        data.write_text(json.dumps({question: value}))
        given = [f"--data-file={data}"]
    before = set(folder.rglob("*"))
    done = copier_cli.copier("copy", "--defaults", *given, template, folder / "out")
    assert done.returncode != 0
    assert_one_sentence(done.stderr.splitlines()[-1].removeprefix("ValueError: "), question)
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize("refused", CHOSEN_BY_KIND, ids=name_of)
def test_the_command_line_refuses(template: Path, tmp_path: Path, refused: tuple[str, str]) -> None:
    assert refused in REFUSED
    refuse_by_command_line(template, tmp_path, refused)


@pytest.mark.slow
@pytest.mark.parametrize("question", list(dict(REFUSED)))
def test_the_command_line_refuses_in_full(template: Path, tmp_path: Path, question: str) -> None:
    for pair in REFUSED:
        if pair[0] == question:
            refuse_by_command_line(template, tmp_path, pair)


@pytest.fixture(scope="module")
def usual(plan: Plan) -> dict[str, tuple[Answers, Project]]:
    """By licence, the project with nothing but defaults besides."""
    answers = {name: plan.matrix.complete({"licence": name}) for name in plan.matrix.choices["licence"]}
    return {name: (given, plan.render(given)) for name, given in answers.items()}


@pytest.mark.parametrize("harmless", HARMLESS, ids=name_of)
def test_a_hostile_answer_is_only_text(
    plan: Plan, usual: dict[str, tuple[Answers, Project]], harmless: tuple[str, str]
) -> None:
    question, value = harmless
    for licence in usual if question == "organisation" else ["proprietary"]:
        defaults, before = usual[licence]
        answers = Answers({**defaults, question: value}, plan.matrix.computed)
        assert plan.copier.refusal(question, answers) == ""
        project = plan.render(answers)
        assert read_back(project) == expected(answers)
        assert not changed_elsewhere(project, before, {question: defaults[question]})


def test_the_worst_answers_go_together(plan: Plan, usual: dict[str, tuple[Answers, Project]]) -> None:
    defaults, before = usual["proprietary"]
    answers = plan.matrix.complete(UNUSUAL_TEXTS)
    assert answers.items() >= UNUSUAL_TEXTS.items()
    project = plan.render(answers)
    assert read_back(project) == expected(answers)
    assert not changed_elsewhere(project, before, {name: defaults[name] for name in UNUSUAL_TEXTS})


@pytest.mark.slow
def test_the_worst_answers_survive_an_update_and_a_recopy(template: Path, tmp_path: Path) -> None:
    project = copier_cli.copy(template, tmp_path / "out", UNUSUAL_TEXTS)
    commit_all(project)
    pages = {path: (project / path).read_bytes() for path in ("README.md", "LICENSE", "SECURITY.md")}
    for command in (["update", "--data=queue=redis"], ["recopy", "--overwrite"]):
        done = copier_cli.copier(*command, "--defaults", "--quiet", cwd=project)
        assert done.returncode == 0, done.stderr
        stored = yaml.safe_load((project / ".copier-answers.yml").read_text())
        assert stored.items() >= {**UNUSUAL_TEXTS, "queue": "redis"}.items()
        found = {path: (project / path).read_bytes() for path in pages}
        assert found == {path: page.replace(b"queue-database.md", b"queue-redis.md") for path, page in pages.items()}


def test_every_question_that_takes_text_has_hostile_answers() -> None:
    for name, details in questions().items():
        if "choices" in details or details["type"] != "str" or details.get("when") is False:
            continue
        assert len({value for question, value in REFUSED if question == name}) >= 8, name
        assert len({value for question, value in HARMLESS if question == name}) >= 3, name
        assert UNUSUAL_TEXTS[name] != matrix().texts[name][0]
    assert {name for name, _ in REFUSED} == set(questions())
    assert len({*REFUSED, *HARMLESS}) >= 100
    assert len({*REFUSED, *HARMLESS}) == len(REFUSED) + len(HARMLESS)
