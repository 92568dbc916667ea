# ruff: noqa: RUF001 - letters that look like others are meant
"""Whatever text is given: refused in one sentence, or read back as it was given."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decision_tree import Answers
from tests.read_back import changed_elsewhere, expected, read_back
from tests.render import Plan

# Pieces that mean something to some format, and line breaks and marks that must not come through.
PIECES = (
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "${X}",
        "$(",
        "`",
        "```",
        "~~",
        "~~~",
        "%s",
        "\\",
        "\\\\",
        "\\n",
        "\\u0041",
        "\\x41",
    ),
    *(
        '"',
        "'",
        '"""',
        "'''",
        "]",
        "[",
        "](",
        "![",
        ")",
        "(",
        "<",
        ">",
        "<!--",
        "-->",
        "]]>",
        "</p>",
        "&",
        "&amp;",
        "&#65;",
    ),
    *(
        "#",
        "# ",
        "- ",
        "+ ",
        "* ",
        "*",
        "**",
        "_",
        "__",
        "1. ",
        "2) ",
        "> ",
        "| ",
        "---",
        "===",
        ": ",
        " #",
        "!",
        "@",
        "=",
        "?",
    ),
    *(
        "https://",
        "http://",
        "www.",
        "x.com",
        "/",
        "..",
        ".",
        "a@b.com",
        "-",
        "x",
        "A",
        "0",
        "1e3",
        "0x10",
        "null",
        " ",
        "  ",
    ),
    *("é", "e\u0301", "東京", "🙂", "а", "א", "\u00a0", "\u3000", "word", "two words"),
)
UNSEEN = ("\0", "\t", "\n", "\r", "\x1b", "\x85", "\u2028", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufffe", "\ud800")
ANYTHING = st.text(st.characters())  # surrogates included
# How a valid answer can begin and go on, since hardly any text drawn by chance is one.
OWN = {
    "project_name": (("my", "z", "a9"), ("-agent", "-", "a", "z9", "0", "-1")),
    "repository_host": (("git.com", "a1.example", "xn--a.b-c.d.org"), ("m", ".com", "example", ".hub", "-", "0")),
    "repository_owner": (("acme", "T", "0", "1e3"), ("/x", "/", "-", "Team", "0", "-a")),
    "security_contact": (
        ("a@b.com", "_a_@b", "https://acme.com/", "https://a-b.example/__x__"),
        ("_a_", "%", "~~", "?x=1", "&copy=2", ".", ".com", "__c__"),
    ),
}


def pieced(pieces: tuple[str, ...], most: int, starts: tuple[str, ...] = ("",)) -> st.SearchStrategy[str]:
    """Draw texts made of these pieces, half of them with pieces that have no place anywhere."""
    begun = st.sampled_from(starts)

    def drawn(given: tuple[str, ...]) -> st.SearchStrategy[str]:
        return st.builds(
            lambda start, more: start + "".join(more), begun, st.lists(st.sampled_from(given), max_size=most)
        )

    return drawn(pieces) | drawn(pieces + UNSEEN)


TEXTS = {
    "description": st.text(max_size=130) | ANYTHING | pieced(PIECES, 40),
    "organisation": st.text(max_size=90) | ANYTHING | pieced(PIECES, 20),
    **{name: pieced(more, 5, starts) | pieced(more + PIECES, 5, starts) for name, (starts, more) in OWN.items()},
}


@pytest.mark.parametrize("question", TEXTS)
def test_any_text_is_refused_or_read_back(plan: Plan, question: str) -> None:
    usual = plan.matrix.complete({})
    before = plan.render(usual)
    refused: list[bool] = []

    @settings(max_examples=200, derandomize=True, deadline=None, database=None)
    @given(TEXTS[question])
    def check(value: str) -> None:
        answers = Answers({**usual, question: value}, plan.matrix.computed)
        message = plan.copier.refusal(question, answers)
        refused.append(bool(message))
        if message:
            assert re.fullmatch(rf"Validation error for question '{question}': [A-Z][^.]{{,33}}\.", message)
        else:
            project = plan.render(answers)
            assert read_back(project) == expected(answers)
            assert not changed_elsewhere(project, before, {question: usual[question]})

    check()
    assert min(refused.count(True), refused.count(False)) >= 20
