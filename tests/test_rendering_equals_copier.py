"""What is rendered in memory is what the plain command line writes: byte for byte, mode for mode, folder for folder."""

import os
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tests.copier_cli import copy
from tests.decision_tree import Answers
from tests.render import Plan

SEED = int(os.environ.get("SEED") or datetime.now(UTC).strftime("%Y%m%d"))


def assert_equal(template: Path, plan: Plan, answers: Answers, target: Path) -> None:
    """Compare a project on disk with the one in memory."""
    given = {
        name: yaml.safe_dump(v).strip() if isinstance(v, list) else v for name, v in plan.matrix.given(answers).items()
    }
    project = copy(template, target, given)
    written = {
        path.relative_to(project).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in project.rglob("*")
        if path.is_file()
    }
    rendered = {path: tuple(file) for path, file in plan.render(answers).items()}
    different = sorted(path for path in written.keys() | rendered.keys() if written.get(path) != rendered.get(path))
    assert not different, (plan.matrix.describe(answers), f"seed {SEED}")
    folders = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_dir()}
    needed = {str(parent) for path in rendered for parent in PurePosixPath(path).parents} - {"."}
    assert folders == needed, "an empty folder is left behind"


def test_some_combinations_are_equal(template: Path, plan: Plan, tmp_path: Path) -> None:
    for number, answers in enumerate([plan.matrix.complete({}), *plan.matrix.random(2, SEED)]):
        assert_equal(template, plan, answers, tmp_path / str(number))


@pytest.mark.slow
def test_full_a_pairwise_and_a_random_sample_are_equal(template: Path, plan: Plan, tmp_path: Path) -> None:
    sample = [*plan.matrix.pairwise(), *plan.matrix.random(40, SEED)]
    for number, answers in enumerate(sample):
        print(f"{number + 1} of {len(sample)}: {plan.matrix.describe(answers)}")
        assert_equal(template, plan, answers, tmp_path / str(number))
