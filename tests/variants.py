"""Every distinct file that any combination can contain, and the proof that none is left out.

A file is enumerated over every value of the answers that decide about its path and content, so that its variants
partition the combinations. A file that reads so many answers that this would be endless has to be separable: what its
pieces give are whole items of a TOML list or whole quoted strings, which are valid beside each other whatever they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.decision_tree import Answer
from tests.render import Entry, File, Plan, width

WIDEST = 5000
"""A file with more variants than this is not enumerated whole; about 20 s of parsing."""
ITEMS = re.compile(r'(?:\n? *"[^"\\\n]+",)*\n?')
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


class TooWideError(Exception):
    """A file reads so many answers that it cannot be checked for all; give each choice a file of its own."""


@dataclass(frozen=True)
class Variant:
    """A file as some combinations contain it, and answers that lead to it."""

    path: str
    file: File
    entry: Entry
    cube: dict[str, Answer]


class Variants:
    """The variants of all files of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.matrix = plan.matrix
        self.separable: list[str] = []
        self.uncounted: list[str] = []
        """Files whose variants do not add up to all combinations; there must be none."""
        found: dict[tuple[str, File], Variant] = {}
        for entry in plan.entries:
            for variant in self._of(entry):
                found.setdefault((variant.path, variant.file), variant)
        self.all = list(found.values())

    def _of(self, entry: Entry) -> Iterator[Variant]:
        if entry.holds_answers:
            # One line an answer, whatever the others are.
            whole, samples = entry.whole, [*self.matrix.each_value(), *self.matrix.pairwise()]
            yield from (_variant(entry, answers, whole(answers)) for answers in samples)
        elif width(self.matrix, entry.path, *entry.trees) <= WIDEST:
            yield from self._crossed(entry)
        else:
            yield from self._separated(entry)

    def _crossed(self, entry: Entry) -> Iterator[Variant]:
        counted = 0
        for cube, file in self.matrix.leaves(entry.whole):
            counted += self.matrix.weight(cube)
            if file is not None:
                yield _variant(entry, cube, file)
        if counted != self.matrix.rows:
            self.uncounted.append(str(entry.source))

    def _separated(self, entry: Entry) -> Iterator[Variant]:
        self.separable.append(str(entry.source))
        for tree in entry.trees:
            counted = 0
            for cube, text in self.matrix.leaves(tree):
                counted += self.matrix.weight(cube)
                if not ITEMS.fullmatch(text) and not STRING.fullmatch(text):
                    message = (
                        f"{entry.source} reads too many answers to be checked for all, unless each piece gives whole list "
                        f"items or one quoted string; {text!r} is neither ({self.matrix.describe(cube)})"
                    )
                    raise TooWideError(message)
                answers = self.matrix.complete(cube)
                if (file := entry.whole(answers)) is not None:
                    yield _variant(entry, cube, file)
            if counted != self.matrix.rows:
                self.uncounted.append(str(entry.source))


def _variant(entry: Entry, cube: dict[str, Answer], file: tuple[str, File] | None) -> Variant:
    assert file is not None
    return Variant(file[0], file[1], entry, dict(cube))
