"""A choice is its files: every answer that selects files by its name has them, and every such file has its answer."""

import re
from pathlib import PurePosixPath

import pytest

from tests.copier_cli import ROOT
from tests.copier_yml import configuration, offered, questions

TEMPLATE = ROOT / configuration()["_subdirectory"]
SELECTED = re.compile(r"^!/(\S*)\{\{ (\w+)(?: \| default\('\w+'\))? \}\}(\S*)$", re.MULTILINE)
# `_exclude` lines such as `!/src/chassis/adapters/queue/{{ queue }}.py`: what stands before, the question, what follows.
PATTERNS = [match for line in configuration()["_exclude"] for match in SELECTED.findall(line)]


@pytest.mark.parametrize(("before", "question", "after"), PATTERNS, ids="".join)
def test_every_answer_has_its_file(before: str, question: str, after: str) -> None:
    missing = [
        name
        for value in offered(questions()[question])
        if not (TEMPLATE / (name := f"{before}{value}{after}")).is_file()
    ]
    assert not missing, f"{question} offers what these files would have to be"


@pytest.mark.parametrize("before", sorted({before for before, _, _ in PATTERNS}))
def test_every_such_file_has_its_answer(before: str) -> None:
    expected = {
        PurePosixPath(f"{start}{value}{after}").name
        for start, question, after in PATTERNS
        for value in offered(questions()[question])
        if start == before
    }
    # One whose name begins with _ is shared by several answers.
    found = {path.name for path in TEMPLATE.glob(f"{before}*") if path.is_file() and path.name[0] != "_"}
    assert found <= expected, "no answer selects these, so no project ever has them"
