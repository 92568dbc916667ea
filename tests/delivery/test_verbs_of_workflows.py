"""Every verb that a generated project's workflows call is called by a test: here in a new project, or where it is named below."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copier_cli import ROOT, commit_all
from tests.generated.project import installed, make, must, open_folder

CALLED = re.compile(r"run: make ([a-z-]+)")
HERE = {
    "lint": (),
    "types": (),
    "bandit": (),
    "secrets": (),
    "workflows": (),
    "pins-check": (),
    "chart": (),
    "sbom": (),
    "migrations": (),
    "servers": (),
    "fuzz": ("SECONDS=2",),
    "coverage": ("TESTS=tests/chassis/unit", "LEAST=10"),
    "passed": (f"NEEDS={json.dumps({'lint': {'result': 'success'}})}",),
}
"""With what makes it short."""
ELSEWHERE = {
    "image": "tests/delivery/test_image_built.py",
    "image-try": "tests/delivery/test_image_built.py",
    "image-save": "tests/delivery/test_image_built.py",
    "image-push": "template/tests/chassis/delivery/test_verbs.py",
    "image-sign": "template/tests/chassis/delivery/test_verbs.py",
    "image-verify": "template/tests/chassis/delivery/test_verbs.py",
    "chassis-update": "tests/delivery/test_chassis_update.py",
    "chassis-propose": "tests/delivery/test_chassis_update.py",
}


@pytest.fixture(scope="module")
def project(template: Path) -> Iterator[Path]:
    """A new project, committed as its user would."""
    with open_folder() as folder:
        found = installed(template, folder)
        commit_all(found, "start")
        yield found


def test_no_verb_of_a_workflow_is_left_out() -> None:
    workflows = (ROOT / "template/.github/workflows").glob("*.yml")
    assert {verb for path in workflows for verb in CALLED.findall(path.read_text())} == {*HERE, *ELSEWHERE}
    for verb, place in ELSEWHERE.items():
        assert f'"{verb}"' in (ROOT / place).read_text(), verb


@pytest.mark.slow
@pytest.mark.parametrize("verb", HERE)
def test_full_it_passes_in_a_new_project(project: Path, verb: str) -> None:
    must(make(project, verb, *HERE[verb]))
