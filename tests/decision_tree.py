"""Functions of the answers that record which answers they read, and so are known for every combination.

A template, an `_exclude` line, a validator or a check sees the answers through a `Reading` and nothing else. What it read
first is the same for all answers; what it read next depends only on the value of the first; and so on. The reads of each
evaluation are therefore a path of one decision tree, and the tree is known whole once each of its branches was walked:
a combination that differs only in answers that were not read cannot give anything else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Answer = Any
T = TypeVar("T")


class UndeterminedError(Exception):
    """A function read other answers than before although what it had read was equal: it has a source of its own."""


class Answers(dict[str, Answer]):
    """The answers given to the questions that are asked; the computed ones follow from them when they are looked up."""

    def __init__(self, given: Mapping[str, Answer], computed: "Mapping[str, Tree[Answer]] | None" = None) -> None:
        super().__init__(given)
        self.computed = computed or {}

    def __missing__(self, name: str) -> Answer:
        return self.computed[name](self)


class Reading(Answers):
    """Answers that note which of them were looked up, in order; a computed one counts as what it is computed from."""

    def __init__(self, answers: Answers) -> None:
        super().__init__({}, answers.computed)  # it holds nothing itself, so that each look-up comes past here
        self._answers = answers
        self.read: dict[str, None] = {}

    def __missing__(self, name: str) -> Answer:
        if name in self.computed:
            return self.computed[name](self)
        value = self._answers[name]  # which notes it too, where this reads for another Reading
        self.read[name] = None
        return value


@dataclass(slots=True)
class _Leaf(Generic[T]):
    value: T


@dataclass(slots=True)
class _Fork(Generic[T]):
    name: str
    branches: dict[Answer, "_Leaf[T] | _Fork[T]"] = field(default_factory=dict)


class Tree(Generic[T]):
    """A function of the answers, evaluated once for each way its reads can go."""

    def __init__(self, function: Callable[[Answers], T]) -> None:
        self._function = function
        self._root: _Leaf[T] | _Fork[T] | None = None
        self.evaluations = 0

    def __call__(self, answers: Answers) -> T:
        """Give the value for these answers, from the tree where it is known."""
        node = self._root
        while isinstance(node, _Fork):
            node = node.branches.get(key(answers[node.name]))
        return self._grow(answers) if node is None else node.value

    def next_read(self, answers: Mapping[str, Answer]) -> str | None:
        """Name the first answer that is needed beyond these; None when these decide.

        `answers` may be a part of a combination only.
        """
        node = self._root
        while isinstance(node, _Fork):
            if node.name not in answers:
                return node.name
            node = node.branches.get(key(answers[node.name]))
        if node is None:
            message = "this branch was not walked yet"
            raise LookupError(message)
        return None

    def _grow(self, answers: Answers) -> T:
        reading = Reading(answers)
        value = self._function(reading)
        self.evaluations += 1
        names = list(reading.read)
        leaf = _Leaf(value)
        if not names:
            self._root = leaf
            return value
        if self._root is None:
            self._root = _Fork(names[0])
        node = self._root
        for name, following in zip(names, [*names[1:], None], strict=True):
            if not isinstance(node, _Fork) or node.name != name:
                message = f"it read {name} where it had read {getattr(node, 'name', 'nothing')} before"
                raise UndeterminedError(message)
            fresh: _Leaf[T] | _Fork[T] = leaf if following is None else _Fork(following)
            node = node.branches.setdefault(key(answers[name]), fresh)
        return value


def key(answer: Answer) -> Answer:
    """Give an answer in a form that can be looked up: a list of several choices as a tuple."""
    return tuple(answer) if isinstance(answer, list) else answer


def leaves(
    tree: Tree[T],
    values: Callable[[str, Mapping[str, Answer]], Iterable[Answer]],
    complete: Callable[[Mapping[str, Answer]], Answers],
    cube: Mapping[str, Answer],
) -> Iterator[tuple[dict[str, Answer], T]]:
    """Walk each branch below these answers; give the answers that decide, and the value.

    `values` gives what an answer can be beside others, `complete` a combination in which given answers occur.
    """
    value = tree(complete(cube))
    name = tree.next_read(cube)
    if name is None:
        yield dict(cube), value
        return
    for answer in values(name, cube):
        yield from leaves(tree, values, complete, {**cube, name: answer})
