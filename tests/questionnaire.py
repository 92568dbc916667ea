"""What copier.yml says: which answers each question takes, and which questions depend on which.

Read through Copier itself, so that there is no second list by hand. Questions whose validity or visibility reads another
answer are coupled with it, and so are the core choices. Each group of coupled questions is enumerated in full.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TypeVar

from copier._types import MISSING

from tests.copier_inside import CopierInside, UnseenSourceError
from tests.decision_tree import Answer, Answers, Tree, leaves

CORE = ("cloud", "secret_backend", "queue", "state_store")
T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """Answers that Copier refuses, each of which is valid elsewhere; and what it says."""

    answers: dict[str, Answer]
    message: str


class Questionnaire:
    """The questions of one template.

    `texts` gives a further answer to free-text questions. Texts are not crossed with each other: either all have their
    default, or all have their further answer.
    """

    def __init__(self, copier: CopierInside, texts: Mapping[str, Answer]) -> None:
        self.copier = copier
        self.computed = {
            name: Tree(partial(copier.default, name)) for name in copier.questions if name not in copier.asked
        }
        self.when = {name: Tree(partial(copier.when, name)) for name in copier.asked}
        self._refusal = {name: Tree(partial(copier.refusal, name)) for name in copier.asked}
        self._defaults = self._ask_for_defaults()
        self.choices = {name: values for name in self._defaults if (values := self._choices(name))}
        self.texts = {
            name: [value, texts.get(name, value)] for name, value in self._defaults.items() if name not in self.choices
        }
        self.refused: list[Refusal] = []

    def coupled(self) -> list[list[str]]:
        """Sort questions into groups that do not read each other."""
        group_of = {name: {name} for name in self._defaults}
        core = [name for name in CORE if name in self.choices]
        together = [core, list(self.texts), *([name, *self._reads(name)] for name in self._defaults)]
        for names in together:
            union = set().union(*(group_of[name] for name in names))
            for name in union:
                group_of[name] = union
        return [
            [name for name in self._defaults if name in group]
            for first, group in group_of.items()
            if first == min(group, key=list(self._defaults).index)
        ]

    def rows(self, names: Sequence[str]) -> Iterator[dict[str, Answer]]:
        """Enumerate a group in full; with the default texts first, then with the further ones."""
        has_texts = any(self.texts[name][0] != self.texts[name][1] for name in names if name in self.texts)
        for kind in (0, 1) if has_texts else (0,):
            yield from self._extend(list(names), {}, kind)

    def _extend(self, names: list[str], row: dict[str, Answer], kind: int) -> Iterator[dict[str, Answer]]:
        if not names:
            yield row
            return
        name, *rest = names
        answers = Answers({**self._defaults, **row}, self.computed)
        if not self.when[name](answers):
            value = self.copier.default(name, answers)
            yield from self._extend(rest, row if value is MISSING else {**row, name: value}, kind)
            return
        for value in self.choices.get(name) or [self.texts[name][kind]]:
            answers[name] = value
            if message := self._refusal[name](answers):
                self.refused.append(Refusal({**row, name: value}, message))
            else:
                yield from self._extend(rest, {**row, name: value}, kind)

    def _ask_for_defaults(self) -> Answers:
        defaults = Answers({}, self.computed)
        for name in self.copier.asked:
            if (value := self.copier.default(name, defaults)) is not MISSING:
                defaults[name] = value
        return defaults

    def _choices(self, name: str) -> list[Answer]:
        """Give the values of a question that offers some, the default first."""
        details = self.copier.questions[name]
        question = self.copier.question(name, self._defaults)
        if isinstance(details.get("choices"), str):
            message = f"copier.yml, {name}: choices that are a template cannot be enumerated; list them with validators"
            raise UnseenSourceError(message)
        values = self.copier.choices(question)
        if not values and question.get_type_name() == "bool":
            values = [True, False]
        if details.get("multiselect"):
            values = [list(some) for size in range(len(values) + 1) for some in combinations(values, size)]
        return sorted(values, key=lambda value: value != self._defaults[name])

    def _reads(self, name: str) -> set[str]:
        """Name the answers that decide whether this question is asked and how it may be answered."""
        order = list(self.copier.questions)
        values = {**self.choices, **self.texts}
        read: set[str] = set()
        read |= self._all_reads(self.when[name], values)
        read |= self._all_reads(self._refusal[name], values)
        for other in read - {name}:
            if order.index(other) > order.index(name):
                message = f"copier.yml, {name}: depends on {other}, which is asked later"
                raise UnseenSourceError(message)
        return read - {name}

    def _all_reads(self, tree: Tree[T], values: Mapping[str, list[Answer]]) -> set[str]:
        """Name what a tree ever reads, valid or not."""
        walked = leaves(
            tree, lambda n, _: values[n], lambda cube: Answers({**self._defaults, **cube}, self.computed), {}
        )
        return {name for cube, _ in walked for name in cube}
