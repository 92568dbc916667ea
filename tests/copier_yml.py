"""copier.yml of this template: as it is written, and as the matrix of its answers."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.copier_cli import ROOT, copy_tree
from tests.copier_inside import CopierInside
from tests.decision_tree import Answer
from tests.matrix import Matrix
from tests.render import Plan

CODE = ("src", "tests", "migrations", "tools")


@cache
def configuration() -> dict[str, Any]:
    """Give copier.yml as a mapping."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text())
    return loaded


def questions() -> dict[str, dict[str, Any]]:
    """Give every question, the computed ones included."""
    return {name: value for name, value in configuration().items() if not name.startswith("_")}


def offered(question: dict[str, Any]) -> list[Any]:
    """Give the values that a question offers, those included that a validator of their own refuses beside others."""
    choices = question.get("choices", [])
    values = choices.values() if isinstance(choices, dict) else choices
    return [choice["value"] if isinstance(choice, dict) else choice for choice in values]


@cache
def suites() -> list[dict[str, Answer]]:
    """Give the answers whose projects run their own tests: each value that code, tests or tools depend on, once.

    Not each pair: the adapters of two ports do not know each other, and mypy and the dependency rules see every
    combination of the core choices.
    """
    with tempfile.TemporaryDirectory() as folder:
        copier = CopierInside.of(copy_tree(Path(folder) / "template"))
        found = Matrix(copier)
        read = {
            name
            for entry in Plan(copier, found).entries
            if entry.source.parts[1] in CODE
            for cube, _ in found.leaves(entry.whole)
            for name in cube
        }
    return [found.given(answers) for answers in found.covering([name for name in found.choices if name in read])]


@cache
def matrix() -> Matrix:
    """Give the matrix of the questions alone, cheap enough to name tests by; see the fixture `plan` for files."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "copier.yml").write_bytes((ROOT / "copier.yml").read_bytes())
        pins = Path("hooks/constraints.txt")  # a validator reads it
        (Path(folder) / pins).parent.mkdir()
        (Path(folder) / pins).write_bytes((ROOT / pins).read_bytes())
        return Matrix(CopierInside.of(Path(folder)))
