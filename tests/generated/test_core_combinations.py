"""mypy strict and the dependency rules on every combination of the core choices; the unit tests on a few of them."""

import os
from datetime import UTC, datetime

import pytest

from tests.copier_cli import ROOT
from tests.decision_tree import Answers
from tests.generated.shared import SharedProject, environment_of
from tests.render import Plan

SEED = int(os.environ.get("SEED") or datetime.now(UTC).strftime("%Y%m%d"))
TYPES_AND_RULES = (("mypy",), ("lint-imports",))
UNIT_TESTS = ("pytest", "-q", "tests/chassis/unit")


@pytest.fixture(scope="session")
def shared(plan: Plan) -> SharedProject:
    """A folder and an environment for all of them; both stay, so that the next run begins where this one ends."""
    environment = environment_of(plan.render(answers) for answers in plan.matrix.core())
    folder = ROOT / "build/combinations"
    folder.mkdir(parents=True, exist_ok=True)
    return SharedProject(folder, environment)


def problems(plan: Plan, shared: SharedProject, answers: Answers, *commands: tuple[str, ...]) -> list[str]:
    shared.place(plan.render(answers))
    found = []
    for command in commands:
        done = shared.run(*command)
        if done.returncode != 0:
            where = plan.matrix.describe({name: answers[name] for name in plan.matrix.choices})
            found.append(f"{command[0]} with {where}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return found


@pytest.mark.xdist_group("shared")
def test_one_core_combination_passes_its_checks(plan: Plan, shared: SharedProject) -> None:
    core = plan.matrix.core()
    found = problems(plan, shared, core[SEED % len(core)], *TYPES_AND_RULES, UNIT_TESTS)
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.xdist_group("shared")
def test_full_every_core_combination_passes_mypy_and_the_dependency_rules(plan: Plan, shared: SharedProject) -> None:
    core = plan.matrix.core()
    found = []
    for number, answers in enumerate(core):
        print(f"{number + 1} of {len(core)}", flush=True)
        found += problems(plan, shared, answers, *TYPES_AND_RULES)
    assert not found, "\n".join(found)
