"""What a function read is known, and that it is all."""

import itertools

import pytest

from tests.decision_tree import Answers, Reading, Tree, UndeterminedError, leaves


def by_queue_then_cloud(answers: Answers) -> str:
    return "none" if answers["queue"] == "database" else f"broker of {answers['cloud']}"


def test_a_tree_reads_no_more_than_its_function() -> None:
    tree = Tree(by_queue_then_cloud)
    assert [tree(Answers({"queue": "database", "cloud": cloud})) for cloud in "abc"] == ["none"] * 3
    assert tree.evaluations == 1
    assert [tree(Answers({"queue": "sqs", "cloud": cloud})) for cloud in "ab"] == ["broker of a", "broker of b"]
    assert tree.evaluations == 3


def test_the_leaves_are_every_outcome_once() -> None:
    values = {"queue": ["database", "sqs"], "cloud": ["a", "b"], "licence": ["mit", "apache"]}
    tree = Tree(by_queue_then_cloud)

    def complete(cube: object) -> Answers:
        assert isinstance(cube, dict)
        return Answers({name: some[0] for name, some in values.items()} | cube)

    found = list(leaves(tree, lambda name, _: values[name], complete, {}))
    assert found == [
        ({"queue": "database"}, "none"),
        ({"queue": "sqs", "cloud": "a"}, "broker of a"),
        ({"queue": "sqs", "cloud": "b"}, "broker of b"),
    ]


def test_a_tree_of_trees_reads_what_they_read() -> None:
    inner = Tree(by_queue_then_cloud)
    inner(Answers({"queue": "database", "cloud": "a"}))  # known before, and read all the same
    reading = Reading(Answers({"queue": "database", "cloud": "a"}))
    Tree(lambda answers: inner(answers).upper())(reading)
    assert list(reading.read) == ["queue"]


def test_a_computed_answer_is_read_through() -> None:
    computed = {"managed": Tree(lambda answers: answers["cloud"] != "none")}
    reading = Reading(Answers({"cloud": "aws"}, computed))
    assert Tree(lambda answers: answers["managed"])(reading) is True
    assert list(reading.read) == ["cloud"]


def test_a_function_with_a_source_of_its_own_is_caught() -> None:
    turn = itertools.cycle(["queue", "cloud"])
    tree = Tree(lambda answers: answers[next(turn)])
    tree(Answers({"queue": "a", "cloud": "a"}))
    with pytest.raises(UndeterminedError, match="read cloud where it had read queue"):
        tree(Answers({"queue": "b", "cloud": "a"}))


def test_several_choices_can_be_looked_up() -> None:
    tree = Tree(lambda answers: "s3" in answers["sinks"])
    assert [tree(Answers({"sinks": sinks})) for sinks in (["s3"], ["file"], ["s3"])] == [True, False, True]
    assert tree.evaluations == 2
