"""Which facts of a file hold in which combination, in parts that read as few answers as possible.

Most files are one part. A Python file that reads very many answers is cut into its lines: each line that varies has to be
a statement of its own, and what the others say holds always.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.checks.facts import Facts, facts
from tests.decision_tree import Answers, Tree
from tests.render import Entry, text_of
from tests.variants import TooWideError, Variants


@dataclass(frozen=True, eq=False)
class Part:
    """Some of what a file says."""

    entry: Entry
    path: str
    """Where the file is, or is in some combinations."""
    facts: Tree[Facts]
    """Nothing where the file is not there."""
    ever: Facts
    """What it says in any combination."""


def parts_of(variants: Variants) -> list[Part]:
    """Cut every file of a template into parts."""
    found = []
    ever: dict[Entry, dict[str, Facts]] = {}
    for variant in variants.all:
        known = ever.setdefault(variant.entry, {})
        known[variant.path] = known.get(variant.path, Facts()) | facts(variant.path, variant.file.content)
    for entry, paths in ever.items():
        if entry in variants.wide and entry.source.name.endswith(".py.jinja"):
            [path] = paths
            found += [_part(variants, entry, path, tree) for tree in _lines(entry)]
        else:
            found += [Part(entry, path, _whole(entry, path), known) for path, known in paths.items()]
    return found


def _whole(entry: Entry, path: str) -> Tree[Facts]:
    def known(answers: Answers) -> Facts:
        found = entry.whole(answers)
        return Facts() if found is None or found[0] != path else facts(path, found[1].content)

    return Tree(known)


def _part(variants: Variants, entry: Entry, path: str, text: Tree[str]) -> Part:
    tree = Tree(lambda answers: Facts() if entry.path(answers) is None else facts(path, text(answers).encode()))
    ever = Facts()
    for cube, line in variants.matrix.leaves(text):
        try:
            ast.parse(line)
        except SyntaxError as error:
            message = f"{entry.source} reads too many answers, and {line!r} is no statement ({variants.matrix.describe(cube)})"
            raise TooWideError(message) from error
        ever |= facts(path, line.encode())
    return Part(entry, path, tree, ever)


def _lines(entry: Entry) -> Iterator[Tree[str]]:
    """Give each line that varies, and all others together."""
    line: list[str | Tree[str]] = []
    constant: list[str] = []
    for piece in [*entry.pieces, "\n"]:
        if isinstance(piece, Tree):
            line.append(piece)
            continue
        first, *more = text_of(piece).split("\n")
        line.append(first)
        for text in more:
            if any(isinstance(part, Tree) for part in line):
                yield _joined(tuple(line))
            else:
                constant.append("".join(part for part in line if isinstance(part, str)))
            line = [text]
    yield _joined(("\n".join(constant),))


def _joined(pieces: tuple[str | Tree[str], ...]) -> Tree[str]:
    return Tree(lambda answers: "".join(part if isinstance(part, str) else part(answers) for part in pieces))
