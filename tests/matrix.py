"""All valid combinations of answers, read from copier.yml through Copier itself; there is no second list by hand.

Questions whose validity or visibility reads another answer are coupled with it, and so are the core choices. Each group
of coupled questions is enumerated in full; the groups do not read each other, so that the combinations are their product.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import combinations, product
from operator import itemgetter
from typing import TypeVar

from copier._types import MISSING

from tests.copier_inside import CopierInside, UnseenSourceError
from tests.decision_tree import Answer, Answers, Tree, key, leaves

CORE = ("cloud", "secret_backend", "queue", "state_store")
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


@dataclass(frozen=True)
class Refusal:
    """Answers that Copier refuses, each of which is valid elsewhere; and what it says."""

    answers: dict[str, Answer]
    message: str


class Matrix:
    """The questions of one template, their values, and which of them are valid together.

    `texts` gives a further answer to free-text questions. Texts are not crossed with each other: either all have their
    default, or all have their further answer.
    """

    def __init__(self, copier: CopierInside, texts: Mapping[str, Answer] | None = None) -> None:
        self.copier = copier
        self.computed = {
            name: Tree(partial(copier.default, name)) for name in copier.questions if name not in copier.asked
        }
        self._when = {name: Tree(partial(copier.when, name)) for name in copier.asked}
        self._refusal = {name: Tree(partial(copier.refusal, name)) for name in copier.asked}
        defaults = self._defaults()
        self.choices = {name: values for name in defaults if (values := self._choices(name, defaults))}
        further = texts or {}
        self.texts = {
            name: [value, further.get(name, value)] for name, value in defaults.items() if name not in self.choices
        }
        self.refused: list[Refusal] = []
        self.groups = [Group(names, list(self._rows(names, defaults))) for names in self._coupled(defaults)]

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

    def given(self, answers: Answers) -> dict[str, Answer]:
        """Give the answers that a person would be asked for."""
        return {name: value for name, value in answers.items() if self._when[name](answers)}

    def describe(self, cube: Cube) -> str:
        """Name answers in a message, texts by what they are."""
        shown = [f"{name}={_plain(cube[name])}" for name in self.choices if name in cube]
        further = any(cube[name] != values[0] for name, values in self.texts.items() if name in cube)
        return ", ".join([*shown, *(["unusual texts"] if further else [])]) or "any answers"

    def _defaults(self) -> Answers:
        defaults = Answers({}, self.computed)
        for name in self.copier.asked:
            if (value := self.copier.default(name, defaults)) is not MISSING:
                defaults[name] = value
        return defaults

    def _choices(self, name: str, defaults: Answers) -> list[Answer]:
        """Give the values of a question that offers some, the default first."""
        details = self.copier.questions[name]
        question = self.copier.question(name, defaults)
        if isinstance(details.get("choices"), str):
            message = f"copier.yml, {name}: choices that are a template cannot be enumerated; list them with validators"
            raise UnseenSourceError(message)
        values = self.copier.choices(question)
        if not values and question.get_type_name() == "bool":
            values = [True, False]
        if details.get("multiselect"):
            values = [list(some) for size in range(len(values) + 1) for some in combinations(values, size)]
        return sorted(values, key=lambda value: value != defaults[name])

    def _coupled(self, defaults: Answers) -> list[list[str]]:
        """Sort questions into groups that do not read each other."""
        group_of = {name: {name} for name in defaults}
        core = [name for name in CORE if name in self.choices]
        together = [core, list(self.texts), *([name, *self._reads(name, defaults)] for name in defaults)]
        for names in together:
            union = set().union(*(group_of[name] for name in names))
            for name in union:
                group_of[name] = union
        return [
            [name for name in defaults if name in group]
            for first, group in group_of.items()
            if first == min(group, key=list(defaults).index)
        ]

    def _reads(self, name: str, defaults: Answers) -> set[str]:
        """Name the answers that decide whether this question is asked and how it may be answered."""
        order = list(self.copier.questions)
        values = {**self.choices, **self.texts}
        read: set[str] = set()
        read |= self._all_reads(self._when[name], values, defaults)
        read |= self._all_reads(self._refusal[name], values, defaults)
        for other in read - {name}:
            if order.index(other) > order.index(name):
                message = f"copier.yml, {name}: depends on {other}, which is asked later"
                raise UnseenSourceError(message)
        return read - {name}

    def _all_reads(self, tree: Tree[T], values: Mapping[str, list[Answer]], defaults: Answers) -> set[str]:
        """Name what a tree ever reads, valid or not."""
        walked = leaves(tree, lambda n, _: values[n], lambda cube: Answers({**defaults, **cube}, self.computed), {})
        return {name for cube, _ in walked for name in cube}

    def _rows(self, names: Sequence[str], defaults: Answers) -> Iterator[dict[str, Answer]]:
        """Enumerate a group in full; with the default texts first, then with the further ones."""
        has_texts = any(self.texts[name][0] != self.texts[name][1] for name in names if name in self.texts)
        for kind in (0, 1) if has_texts else (0,):
            yield from self._extend(list(names), {}, defaults, kind)

    def _extend(
        self, names: list[str], row: dict[str, Answer], defaults: Answers, kind: int
    ) -> Iterator[dict[str, Answer]]:
        if not names:
            yield row
            return
        name, *rest = names
        answers = Answers({**defaults, **row}, self.computed)
        if not self._when[name](answers):
            value = self.copier.default(name, answers)
            yield from self._extend(rest, row if value is MISSING else {**row, name: value}, defaults, kind)
            return
        for value in self.choices.get(name) or [self.texts[name][kind]]:
            answers[name] = value
            if message := self._refusal[name](answers):
                self.refused.append(Refusal({**row, name: value}, message))
            else:
                yield from self._extend(rest, {**row, name: value}, defaults, kind)


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
