"""All valid combinations of answers, and the named sets of them that slower tests use.

The groups of coupled questions do not read each other, so that the combinations are the product of the groups.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from operator import itemgetter
from typing import TypeVar

from tests.copier_inside import CopierInside
from tests.decision_tree import Answer, Answers, Tree, key, leaves
from tests.questionnaire import CORE, Questionnaire

Cube = Mapping[str, Answer]
T = TypeVar("T")


@dataclass
class Group:
    """Questions that are coupled, and every valid way to answer them together."""

    names: list[str]
    rows: list[dict[str, Answer]]
    _matching: dict[frozenset[tuple[str, Answer]], list[dict[str, Answer]]] = field(default_factory=dict)

    def matching(self, cube: Cube) -> list[dict[str, Answer]]:
        """Give the rows in which these answers occur."""
        wanted = {name: key(cube[name]) for name in self.names if name in cube}
        found = self._matching.get(frozenset(wanted.items()))
        if found is None:
            found = [row for row in self.rows if all(key(row.get(name)) == value for name, value in wanted.items())]
            self._matching[frozenset(wanted.items())] = found
        return found


class Matrix:
    """The questions of one template, their values, and which of them are valid together.

    `texts` gives a further answer to free-text questions. Texts are not crossed with each other: either all have their
    default, or all have their further answer.
    """

    def __init__(self, copier: CopierInside, texts: Mapping[str, Answer] | None = None) -> None:
        self.copier = copier
        self._questionnaire = Questionnaire(copier, texts or {})
        self.computed = self._questionnaire.computed
        self.choices = self._questionnaire.choices
        self.texts = self._questionnaire.texts
        self.groups = [Group(names, list(self._questionnaire.rows(names))) for names in self._questionnaire.coupled()]
        self.refused = self._questionnaire.refused

    @cached_property
    def count(self) -> int:
        """Give the number of valid combinations of choices, texts aside."""
        return math.prod(
            len({tuple(key(row.get(name)) for name in group.names if name in self.choices) for row in group.rows})
            for group in self.groups
        )

    @cached_property
    def rows(self) -> int:
        """Give the number of combinations with both kinds of texts, which the leaves of a tree must add up to."""
        return self.weight({})

    def weight(self, cube: Cube) -> int:
        """Give the number of combinations in which these answers occur."""
        return math.prod(len(group.matching(cube)) for group in self.groups)

    def values(self, name: str, cube: Cube) -> list[Answer]:
        """Give what an answer can be beside these."""
        [group] = [group for group in self.groups if name in group.names]
        found = {key(row[name]): row[name] for row in group.matching(cube) if name in row}
        return list(found.values())

    def complete(self, cube: Cube) -> Answers:
        """Give a combination with these answers, the others at their defaults where that is valid."""
        given: dict[str, Answer] = {}
        for group in self.groups:
            given.update(group.matching(cube)[0])
        return Answers(given, self.computed)

    def leaves(self, tree: Tree[T], cube: Cube | None = None) -> Iterator[tuple[dict[str, Answer], T]]:
        """Give each value of a tree, with the answers that lead to it."""
        return leaves(tree, self.values, self.complete, cube or {})

    def combinations(self) -> Iterator[Answers]:
        """Give every valid combination of choices, one by one, with the default texts."""
        plain = [
            [row for row in group.rows if all(row[n] == self.texts[n][0] for n in group.names if n in self.texts)]
            for group in self.groups
        ]
        for rows in product(*plain):
            yield Answers({name: value for row in rows for name, value in row.items()}, self.computed)

    def random(self, number: int, seed: int) -> list[Answers]:
        """Give valid combinations drawn with this seed, texts included."""
        chance = random.Random(seed)  # noqa: S311 - a sample, no secret
        draws = ([chance.choice(group.rows) for group in self.groups] for _ in range(number))
        return [Answers({name: v for row in rows for name, v in row.items()}, self.computed) for rows in draws]

    def each_value(self) -> list[Answers]:
        """Give combinations in which each value of each question occurs beside the defaults, where that is valid."""
        names = [name for group in self.groups for name in group.names]
        return _distinct(self.complete({name: value}) for name in names for value in self.values(name, {}))

    def core(self) -> list[Answers]:
        """Give every valid combination of the core choices, the rest at the defaults."""
        core = [name for name in CORE if name in self.choices]
        crossed = product(*(self.choices[name] for name in core))
        cubes = (dict(zip(core, values, strict=True)) for values in crossed)
        return [self.complete(cube) for cube in cubes if self.weight(cube)]

    def pairwise(self, names: Sequence[str] | None = None) -> list[Answers]:
        """Give combinations in which every valid pair of values of these questions occurs; by default of all choices."""
        chosen = list(self.choices) if names is None else list(names)
        wanted = [
            ((a, key(x)), (b, key(y)))
            for a, b in combinations(chosen, 2)
            for x in self.values(a, {})
            for y in self.values(b, {a: x})
        ]
        found: list[Answers] = []
        while wanted:
            cube = {name: next(v for v in self.choices[name] if key(v) == value) for name, value in wanted[0]}
            for name in chosen:
                if name not in cube:
                    gains = [(_gain(wanted, {**cube, name: value}), value) for value in self.values(name, cube)]
                    cube[name] = max(gains, key=itemgetter(0))[1]
            found.append(self.complete(cube))
            wanted = [pair for pair in wanted if not _items(cube).issuperset(pair)]
        return found or [self.complete({name: value}) for name in chosen for value in self.values(name, {})]

    def covering(self, names: Sequence[str]) -> list[Answers]:
        """Give few combinations in which every value of these questions occurs at least once, the defaults first."""
        wanted = [(name, key(value)) for name in names for value in self.values(name, {})]
        found = [self.complete({})]
        while wanted := [item for item in wanted if item not in _items(found[-1])]:
            cube: dict[str, Answer] = {}
            for name, held in wanted:
                value = next(v for v in self.choices[name] if key(v) == held)
                if name not in cube and self.weight({**cube, name: value}):
                    cube[name] = value
            found.append(self.complete(cube))
        return found

    def given(self, answers: Answers) -> dict[str, Answer]:
        """Give the answers that a person would be asked for."""
        return {name: value for name, value in answers.items() if self._questionnaire.when[name](answers)}

    def describe(self, cube: Cube) -> str:
        """Name answers in a message, texts by what they are."""
        shown = [f"{name}={_plain(cube[name])}" for name in self.choices if name in cube]
        further = any(cube[name] != values[0] for name, values in self.texts.items() if name in cube)
        return ", ".join([*shown, *(["unusual texts"] if further else [])]) or "any answers"


def _distinct(many: Iterator[Answers]) -> list[Answers]:
    return list({tuple((name, key(value)) for name, value in sorted(one.items())): one for one in many}.values())


def _items(cube: Cube) -> set[tuple[str, Answer]]:
    return {(name, key(value)) for name, value in cube.items()}


def _gain(wanted: Sequence[tuple[tuple[str, Answer], ...]], cube: Cube) -> int:
    items = _items(cube)
    return sum(items.issuperset(pair) for pair in wanted)


def _plain(value: Answer) -> str:
    return (
        f"[{', '.join(value)}]"
        if isinstance(value, list)
        else str(value).lower()
        if value in (True, False)
        else str(value)
    )
