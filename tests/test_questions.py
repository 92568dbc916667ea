"""Answers: every offered one works; a bad one is refused with one sentence, and nothing is written."""

import tomllib
from pathlib import Path

import pytest
import yaml

from tests.copier_cli import copier, copy
from tests.copier_yml import configuration, matrix, questions

LONG = "x" * 300
BAD = [
    *[
        ("project_name", value)
        for value in (
            "",
            " ",
            "My-Agent",
            "my_agent",
            "my agent",
            "-agent",
            "agent-",
            "a--b",
            "1agent",
            "../evil",
            "/etc/passwd",
            "a/b",
            "a\nb",
            "my-agent\n",
            "agent'; rm -rf /",
            "{{ 7 * 7 }}",
            "ägent",
            "agеnt",  # noqa: RUF001 - the look-alike is the point
            "agent",
            "chassis",
            "test",
            "a" * 41,
        )
    ],
    *[
        ("description", value)
        for value in (
            "",
            "short",
            "ends with space ",
            "two\nlines of text",
            "a tab\tin the text",
            "bell\x07 in text",
            LONG,
        )
    ],
    ("description", "right\u202eto left override"),
    ("description", "zero width\u200b space inside"),
    *[("organisation", value) for value in ("", " Acme", "Acme\nInc", LONG)],
    *[
        ("repository_host", value)
        for value in (
            "",
            "localhost",
            "https://github.com",
            "git hub.com",
            "github.com/x",
            "-a.com",
            "a..com",
            "x\n.com",
        )
    ],
    *[("repository_owner", value) for value in ("", "-acme", "acme/", "/acme", "a b", "a//b", "../x", "acme;id", LONG)],
    *[
        ("security_contact", value)
        for value in (
            "",
            "nobody",
            "a@b",
            "http://acme.com",
            "javascript:alert(1)",
            "a@b.com\nbcc: c@d.com",
            "https://",
            "x y@z.com",
        )
    ],
    ("licence", "gpl"),
    ("queue", "kafka"),
    ("queue", ""),
    ("secret_backend", "vault"),
    ("state_store", "memory"),
    ("repository_url", "https://evil.example/x"),
]


@pytest.mark.parametrize(("question", "value"), BAD, ids=[f"{q}={v[:24]!r}" for q, v in BAD])
def test_a_bad_answer_is_refused_with_one_sentence_and_nothing_written(
    template: Path, tmp_path: Path, question: str, value: str
) -> None:
    target = tmp_path / "out"
    done = copier("copy", "--defaults", f"--data={question}={value}", template, target)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert question in last
    assert len(last) < 400
    assert not target.exists()


@pytest.mark.parametrize("answers", [matrix().given(answers) for answers in matrix().each_value()], ids=str)
def test_every_offered_choice_generates(template: Path, tmp_path: Path, answers: dict[str, str]) -> None:
    target = copy(template, tmp_path / "out", answers)
    stored = yaml.safe_load((target / ".copier-answers.yml").read_text())
    assert answers.items() <= stored.items()


HARMLESS = {
    "quotes": """Says "hello" and 'bye' to \\users\\ & <b>co</b>""",
    "templates": "Uses {{ braces }} and {% blocks %} and ${VARS} and $(cmd)",
    "yaml": "key: value # no comment, - no list, *no anchor, !no tag",
    "emoji": "Helps people 🙂 in Zürich and 東京",
    "toml": '"""]\' = [section] # text',
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_a_hostile_description_is_only_text(template: Path, tmp_path: Path, text: str) -> None:
    target = copy(template, tmp_path / "out", {"description": text, "organisation": text[:60].strip()})
    assert tomllib.loads((target / "pyproject.toml").read_text())["project"]["description"] == text
    stored = yaml.safe_load((target / ".copier-answers.yml").read_text())
    assert (stored["description"], stored["organisation"]) == (text, text[:60].strip())
    assert text[:60].strip() in (target / "LICENSE").read_text()
    again = copy(template, target, {}, "--overwrite")
    assert tomllib.loads((again / "pyproject.toml").read_text())["project"]["description"] == text


def test_nothing_in_the_template_needs_trust() -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions", "_external_data"} & set(configuration())
    assert not any(question.get("secret") for question in questions().values())


def test_help_states_the_rule_and_validators_are_short() -> None:
    for name, question in questions().items():
        if question.get("when") is False:
            assert "validator" in question, f"{name} is computed, so --data must not override it"
            continue
        assert 15 < len(question["help"]) <= 74, f"{name}: a terminal of 80 columns cuts longer ones off"
        lines = [line.strip() for line in question.get("validator", "").splitlines()]
        messages = [line for line in lines if line and not line.startswith("{%")]
        assert all(len(message) <= 34 for message in messages), (name, messages)


def test_the_answers_are_stored_and_the_computed_one_is_not(project: Path) -> None:
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text())
    visible = {name for name, question in questions().items() if question.get("when") is not False}
    assert {name for name in stored if not name.startswith("_")} == visible
    assert Path(stored["_src_path"]).is_absolute()
