"""The template, planned once and rendered in memory: each path, `_exclude` line and piece of a file for the answers it reads.

A file is cut into the pieces its template consists of (text, an expression, an `if` …), since what one of them gives depends
on its own reads alone. Plain text between them is read once and never rendered.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from copier._tools import scantree
from jinja2 import Template, nodes

from tests.copier_inside import CopierInside, UnseenSourceError
from tests.decision_tree import Answers, Tree
from tests.matrix import Matrix

# A template in which one of these stands is one piece: what follows may read what it set, also from inside an `if`.
_WRITES = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro, nodes.Block, nodes.Extends)


class File(NamedTuple):
    """A file of a project."""

    content: bytes
    mode: int


@dataclass(frozen=True, eq=False)
class Entry:
    """A file of the template: where it goes, if anywhere, and what it consists of."""

    source: PurePosixPath
    path: Tree[str | None]
    pieces: tuple[str | bytes | Tree[str], ...]
    mode: int
    holds_answers: bool = False

    @cached_property
    def whole(self) -> Tree[tuple[str, File] | None]:
        """Give path and file together; None where the file is left out."""
        return Tree(lambda a: None if (path := self.path(a)) is None else (path, File(self.content(a), self.mode)))

    def content(self, answers: Answers) -> bytes:
        """Give what the file holds."""
        parts = (piece(answers) if isinstance(piece, Tree) else piece for piece in self.pieces)
        return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)

    @property
    def trees(self) -> list[Tree[str]]:
        """Give the pieces that vary."""
        return [piece for piece in self.pieces if isinstance(piece, Tree)]


class Plan:
    """Every file of a template, ready to be rendered for any combination."""

    def __init__(self, copier: CopierInside, matrix: Matrix) -> None:
        self.copier = copier
        self.matrix = matrix
        self._exclusions = [self._exclusion(line) for line in copier.all_exclusions]
        self.entries = list(self._entries())

    @property
    def renders(self) -> int:
        """Give how often a piece of a file was rendered so far."""
        return sum(tree.evaluations for entry in self.entries for tree in entry.trees)

    def render(self, answers: Answers) -> dict[str, File]:
        """Give the project of one combination, as `copier copy` would write it."""
        return {
            path: File(entry.content(answers), entry.mode)
            for entry in self.entries
            if (path := entry.path(answers)) is not None
        }

    def _entries(self) -> Iterator[Entry]:
        root = self.copier.template_copy_root
        suffix = self.copier.template.templates_suffix
        for found in sorted(scantree(str(root), follow_symlinks=True), key=attrgetter("path")):
            source = Path(found.path)
            rendered = source.name.endswith(suffix)
            if source.is_dir() or (not rendered and source.with_name(source.name + suffix).exists()):
                continue
            if source.is_symlink():
                message = f"{source.relative_to(root)}: a link; what it becomes is not modelled here"
                raise UnseenSourceError(message)
            path = source.relative_to(root).as_posix().removesuffix(suffix if rendered else "")
            from_root = PurePosixPath(source.relative_to(self.copier.template.local_abspath).as_posix())
            holds_answers = path == "{{ _copier_conf.answers_file }}"
            pieces = (
                self._pieces(from_root.as_posix(), holds_answers=holds_answers) if rendered else [source.read_bytes()]
            )
            yield Entry(from_root, self._path(path), tuple(pieces), self.copier.mode(from_root), holds_answers)

    def _exclusion(self, line: str) -> tuple[Tree[str], list[str]]:
        """Give an exclusion as a tree, and everything it can become."""
        compiled = self.copier.compiled(line, f"_exclude {line}")
        tree = Tree(lambda answers: self.copier.render(compiled, answers, _copier_operation="copy"))
        return tree, [text for _, text in self.matrix.leaves(tree)]

    def _path(self, path: str) -> Tree[str | None]:
        if "{% yield" in path:
            message = f"{path}: paths that are yielded are not modelled here"
            raise UnseenSourceError(message)
        parts = [self.copier.compiled(part, path) for part in path.split("/")] if "{" in path else path
        full = Tree(lambda answers: self._full_path(parts, answers))
        possible = {text for _, text in self.matrix.leaves(full) if text}
        # The exclusions that can concern this path; all others leave it alone whatever the answers are.
        relevant = [
            tree
            for tree, texts in self._exclusions
            if any(
                self.copier.exclusions(text).check_file(one).include is not None for text in texts for one in possible
            )
        ]

        def kept(answers: Answers) -> str | None:
            text = full(answers)
            if text is None or not relevant:
                return text
            matcher = self.copier.exclusions(*(tree(answers) for tree in relevant))
            return None if matcher.match_file(text) else text

        return Tree(kept)

    def _full_path(self, parts: list[Template] | str, answers: Answers) -> str | None:
        if isinstance(parts, str):
            return parts
        rendered = [self.copier.render(part, answers) for part in parts]
        return "/".join(rendered) if all(rendered) else None

    def _pieces(self, name: str, *, holds_answers: bool) -> Iterator[str | Tree[str]]:
        environment = self.copier.jinja_env
        assert environment.loader is not None
        source, _, _ = environment.loader.get_source(environment, name)
        parsed = environment.parse(source, name)
        if holds_answers:
            compiled = self.copier.compiled(parsed, name)
            yield Tree(lambda answers: self.copier.render_answers_file(compiled, answers))
        elif any(True for _ in parsed.find_all(_WRITES)):
            yield self._piece(parsed, name)
        else:
            for node in parsed.body:
                yield from self._cut(node, name)

    def _cut(self, node: nodes.Node, name: str) -> Iterator[str | Tree[str]]:
        if not isinstance(node, nodes.Output):
            yield self._piece(nodes.Template([node], lineno=node.lineno), name)
            return
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                yield part.data
            else:
                output = nodes.Output([part], lineno=part.lineno)
                yield self._piece(nodes.Template([output], lineno=part.lineno), name)

    def _piece(self, parsed: nodes.Template, name: str) -> Tree[str]:
        parsed.set_environment(self.copier.jinja_env)
        compiled = self.copier.compiled(parsed, name)
        return Tree(lambda answers: self.copier.render(compiled, answers))


def text_of(piece: str | bytes) -> str:
    """Give a piece that does not vary as text."""
    return piece.decode() if isinstance(piece, bytes) else piece


def width(matrix: Matrix, *trees: Tree[Any]) -> int:
    """Give an upper bound of the number of ways these trees can go together."""
    read = {name for tree in trees for cube, _ in matrix.leaves(tree) for name in cube}
    return math.prod(
        len({tuple(str(row.get(name)) for name in group.names if name in read) for row in group.rows})
        for group in matrix.groups
    )
