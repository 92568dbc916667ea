"""The matrix is what copier.yml says: values, conditions, validators, and what depends on what."""

from itertools import combinations, product
from pathlib import Path

import pytest

from tests import copier_yml
from tests.copier_inside import UnseenSourceError
from tests.questionnaire import CORE
from tests.small_template import matrix

COUPLED = """
cloud: {type: str, choices: [none, aws, azure], default: none}
secret_backend:
  type: str
  choices:
    env: env
    AWS: {value: aws_sm, validator: "{% if cloud != 'aws' %}Needs cloud aws.{% endif %}"}
  default: env
region: {type: str, choices: [eu, us], default: eu, when: "{{ cloud != 'none' }}"}
telemetry: {type: bool, default: false}
licence: {type: str, choices: [mit, apache], default: mit}
"""


def test_coupled_questions_are_crossed_and_others_multiplied(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED)
    assert [group.names for group in found.groups] == [
        ["cloud", "secret_backend", "region"],
        ["telemetry"],
        ["licence"],
    ]
    # none: env; aws: two backends in two regions; azure: env in two regions
    assert len(found.groups[0].rows) == 1 + 4 + 2
    assert found.count == 7 * 2 * 2 == len(list(found.combinations()))


def test_what_is_refused_is_kept_with_copiers_words(tmp_path: Path) -> None:
    refused = matrix(tmp_path, COUPLED).refused
    assert [(r.answers, r.message) for r in refused] == [
        (
            {"cloud": cloud, "secret_backend": "aws_sm"},
            "Invalid choice for 'secret_backend': Needs cloud aws.",
        )
        for cloud in ("none", "azure")
    ]


def test_a_question_that_is_not_asked_has_its_default(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED)
    alone = [answers for answers in found.combinations() if answers["cloud"] == "none"]
    assert {answers["region"] for answers in alone} == {"eu"}
    assert all("region" not in found.given(answers) for answers in alone)


def test_the_first_combination_is_the_defaults(tmp_path: Path) -> None:
    assert matrix(tmp_path, COUPLED).complete({}) == {
        "cloud": "none",
        "secret_backend": "env",
        "region": "eu",
        "telemetry": False,
        "licence": "mit",
    }


def test_every_valid_pair_occurs_in_the_pairwise_set(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED)

    def pairs(many: list[dict[str, object]]) -> set[frozenset[tuple[str, object]]]:
        return {frozenset(pair) for one in many for pair in combinations(one.items(), 2)}

    everything = [dict(answers) for answers in found.combinations()]
    chosen = [dict(answers) for answers in found.pairwise()]
    assert pairs(chosen) == pairs(everything)
    assert len(chosen) < len(everything) / 2


def test_every_value_occurs_in_the_covering_set(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED)
    chosen = found.covering(list(found.choices))
    assert chosen[0] == found.complete({})
    for name in found.choices:
        assert {answers[name] for answers in chosen if name in answers} == set(found.values(name, {}))
    assert len(chosen) <= max(len(values) for values in found.choices.values()) + 1


def test_every_value_occurs_once_beside_the_defaults(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED)
    many = found.each_value()
    for name, values in found.choices.items():
        assert {answers[name] for answers in many} == set(values)
    assert len(many) == 7


def test_several_choices_at_once_are_every_subset(tmp_path: Path) -> None:
    sinks = "sinks: {type: str, multiselect: true, choices: [file, s3, syslog], default: [file]}\n"
    found = matrix(tmp_path, sinks)
    assert found.count == 8
    assert found.complete({}) == {"sinks": ["file"]}


def test_a_computed_answer_counts_as_what_it_is_computed_from(tmp_path: Path) -> None:
    found = matrix(tmp_path, COUPLED + "managed: {type: bool, when: false, default: \"{{ cloud != 'none' }}\"}\n")
    assert found.count == 28
    assert [answers["managed"] for answers in found.each_value()][:3] == [False, True, True]


def test_a_validator_that_needs_a_later_answer_is_an_error(tmp_path: Path) -> None:
    later = """
first: {type: str, choices: [a, b], default: a, validator: "{% if second is defined and second == 'b' %}No.{% endif %}"}
second: {type: str, choices: [a, b], default: a}
"""
    with pytest.raises(UnseenSourceError, match="first: depends on second, which is asked later"):
        matrix(tmp_path, later)


def test_choices_that_are_a_template_are_an_error(tmp_path: Path) -> None:
    dynamic = 'some: {type: str, choices: "{{ [1, 2] }}", default: "1"}\n'
    with pytest.raises(UnseenSourceError, match="some: choices that are a template cannot be enumerated"):
        matrix(tmp_path, dynamic)


def test_the_core_choices_of_this_template_are_crossed() -> None:
    found = copier_yml.matrix()
    names = [name for name in CORE if name in found.choices]
    offered = [copier_yml.offered(copier_yml.questions()[name]) for name in names]
    core = [tuple(answers[name] for name in names) for answers in found.core()]
    refused = [r.answers for r in found.refused if set(names) >= r.answers.keys()]
    expected = [
        values
        for values in product(*offered)
        if not any(one.items() <= dict(zip(names, values, strict=True)).items() for one in refused)
    ]
    assert sorted(core) == sorted(expected)
    assert len(core) >= 2
