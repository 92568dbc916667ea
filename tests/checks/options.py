"""Each answer that is offered makes a difference, and each that is refused is refused in words."""

from collections.abc import Iterator

from tests.decision_tree import Answers, key
from tests.matrix import Matrix
from tests.render import File, Plan


def options_without_effect(plan: Plan) -> Iterator[str]:
    """Find questions whose value changes no byte of any sampled project but that of the answers file.

    The sample has each pair of values. A value that matters beside two certain others alone would be reported, too: it can
    raise a false alarm, and misses none.
    """
    matrix = plan.matrix
    samples = [*matrix.each_value(), *matrix.pairwise()]
    for name, values in matrix.choices.items():
        for value in values:
            beside = [
                (with_it, other)
                for with_it in samples
                if name in with_it and key(with_it[name]) == key(value)
                for other in _switched(matrix, with_it, name)
            ]
            if beside and not any(_project(plan, one) != _project(plan, other) for one, other in beside):
                yield f"copier.yml: {name}={value} changes no byte of any project"


def refusals_without_words(matrix: Matrix) -> Iterator[str]:
    """Find answers that are refused by something else than one short sentence about the question."""
    for refusal in matrix.refused:
        *_, name = refusal.answers
        if name not in refusal.message or "\n" in refusal.message or len(refusal.message) > 200:
            yield f"copier.yml: {matrix.describe(refusal.answers)} is refused with {refusal.message!r}"


def _switched(matrix: Matrix, answers: Answers, name: str) -> Iterator[Answers]:
    """Give the same combination with each other value of one question, where that is valid."""
    others = {other: value for other, value in answers.items() if other != name}
    for value in matrix.values(name, others):
        if key(value) != key(answers[name]):
            yield matrix.complete({**others, name: value})


def _project(plan: Plan, answers: Answers) -> dict[str, File]:
    held = plan.copier.answers_path
    return {path: file for path, file in plan.render(answers).items() if path != held}
