"""The questions: every offered answer works and is stored, help and messages fit a terminal, nothing needs trust."""

import re
from pathlib import Path

import pytest
import yaml

from tests.copier_cli import ROOT
from tests.copier_yml import configuration, matrix, questions
from tests.decision_tree import Answers
from tests.render import Plan


@pytest.mark.parametrize("answers", matrix().each_value(), ids=matrix().describe)
def test_every_offered_choice_generates(plan: Plan, answers: Answers) -> None:
    stored = yaml.safe_load(plan.render(answers)[".copier-answers.yml"].content)
    assert matrix().given(answers).items() <= stored.items()


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


def test_no_service_can_be_named_like_a_package_it_installs(plan: Plan) -> None:
    names = set(re.findall(r'"(.+)==', (ROOT / "hooks/constraints.txt").read_text()))
    assert len(names) > 100
    taken = {name for name in names if plan.copier.refusal("project_name", Answers({"project_name": name}))}
    assert taken == names


def test_the_answers_are_stored_and_the_computed_one_is_not(project: Path) -> None:
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text())
    visible = {name for name, question in questions().items() if question.get("when") is not False}
    assert {name for name in stored if not name.startswith("_")} == visible
    assert Path(stored["_src_path"]).is_absolute()
