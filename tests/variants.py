"""Every distinct file that any combination can contain, and the proof that none is left out.

A file is enumerated over every value of the answers that decide about its path and content, so that its variants
partition the combinations. A file that reads so many answers that this would be endless has to be separable: each of its
pieces gives a name, a quoted string or whole items of a list, in JSON a value or whole members. Whether such a file parses is
decided by each piece alone, its line lengths by each line, the order of its lines by each two of them: every two pieces are
enumerated together.
"""

import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tests.decision_tree import Answer, Tree
from tests.render import Entry, File, Plan, width

WIDEST = 1500
"""A file with more variants than this is not enumerated whole: parsing them would take more than some 10 s."""
SEPARABLE = re.compile(r'[A-Za-z_]\w*|"(?:[^"\\\n]|\\.)*"|(?:\n? *"[^"\\\n]+",)*\n?')
JSON = ".json.jinja"


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
        self.wide: list[Entry] = []
        """Files that were enumerated by each two of their pieces."""
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
            for answers in [*self.matrix.each_value(), *self.matrix.pairwise()]:
                yield from self._variant(entry, answers, entry.whole(answers))
        elif width(self.matrix, entry.path, *entry.trees) <= WIDEST:
            self._count(entry, entry.whole)
            for cube, found in self.matrix.leaves(entry.whole):
                yield from self._variant(entry, cube, found)
        else:
            self.wide.append(entry)
            for tree in entry.trees:
                self._count(entry, tree)
                self._require_separable(entry, tree)
            for one, other in combinations(entry.trees, 2):
                pair = Tree(lambda a, x=one, y=other: (x(a), y(a)))  # type: ignore[misc]
                for cube, _ in self.matrix.leaves(pair):
                    yield from self._variant(entry, cube, entry.whole(self.matrix.complete(cube)))

    def _count(self, entry: Entry, tree: Tree[Any]) -> None:
        """Add up the combinations that each leaf stands for."""
        if sum(self.matrix.weight(cube) for cube, _ in self.matrix.leaves(tree)) != self.matrix.rows:
            self.uncounted.append(str(entry.source))

    def _require_separable(self, entry: Entry, tree: Tree[str]) -> None:
        leaves = list(self.matrix.leaves(tree))
        for cube, text in leaves if len(leaves) > 1 else ():  # what never varies is like the text around it
            separable = _json_value_or_members(text) if entry.source.name.endswith(JSON) else SEPARABLE.fullmatch(text)
            if not separable or keyword.iskeyword(text):
                message = (
                    f"{entry.source} reads too many answers to be checked for all. Split it, or let each expression give "
                    f"a name, a quoted string, whole list items or JSON's values and members; {text!r} is none ({self.matrix.describe(cube)})"
                )
                raise TooWideError(message)

    @staticmethod
    def _variant(entry: Entry, cube: dict[str, Answer], found: tuple[str, File] | None) -> Iterator[Variant]:
        if found is not None:
            yield Variant(found[0], found[1], entry, dict(cube))


def _json_value_or_members(text: str) -> bool:
    """Tell whether this can stand wherever JSON has a value, or before a member of an object, without more ado."""
    bare = text.strip()
    if bare.endswith(","):
        bare = f"{{{bare[:-1]}}}"
    try:
        json.loads(bare or "{}")
    except ValueError:
        return False
    return True
