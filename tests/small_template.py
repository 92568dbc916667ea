"""Templates of a few lines, to show what the machinery does where the real template has no such case."""

from collections.abc import Mapping
from pathlib import Path

from tests.copier_inside import CopierInside
from tests.every_combination import EveryCombination
from tests.matrix import Matrix
from tests.render import Plan

HEAD = """\
_subdirectory: template
_answers_file: .copier-answers.yml
_envops: {undefined: jinja2.StrictUndefined, keep_trailing_newline: true}
"""
ANSWERS_FILE = "{{ _copier_conf.answers_file }}.jinja"


def write(folder: Path, questions: str, files: Mapping[str, str] | None = None) -> Path:
    """Write a template with these questions and files."""
    everything = {ANSWERS_FILE: "{{ _copier_answers | to_nice_yaml -}}\n", **(files or {})}
    for name, text in everything.items():
        place = folder / "template" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "copier.yml").write_text(HEAD + questions)
    return folder


def matrix(folder: Path, questions: str) -> Matrix:
    """Give the matrix of these questions."""
    return Matrix(CopierInside.of(write(folder, questions)))


def every(folder: Path, questions: str, files: Mapping[str, str]) -> EveryCombination:
    """Enumerate a template of these questions and files."""
    copier = CopierInside.of(write(folder, questions, files))
    return EveryCombination(Plan(copier, Matrix(copier)))
