"""What must be true of every combination as a whole, by the facts of its files.

Each check is a function of the answers like any file: it looks files up, so that what it read is recorded, and it is
walked for every way its reads can go. A problem comes with the answers that lead to it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath

from tests.decision_tree import Answers, Tree
from tests.facts import Facts, facts, module_of, module_paths
from tests.render import Entry
from tests.variants import Variants

ENTRY_POINTS = ("__init__", "__main__")

Found = Iterator[str]


class Checks:
    """Looks files up in any combination; gives the problems it found, one a line."""

    def __init__(self, variants: Variants) -> None:
        self._matrix = variants.matrix
        self._entries = variants.plan.entries
        self._possible: dict[str, list[Entry]] = defaultdict(list)
        self._facts: dict[Entry, list[tuple[str, Facts]]] = defaultdict(list)
        for variant in variants.all:
            if variant.entry not in self._possible[variant.path]:
                self._possible[variant.path].append(variant.entry)
            self._facts[variant.entry].append((variant.path, facts(variant.path, variant.file.content)))
        self.walked = 0

    def _walk(self, subject: str, check: Callable[[Answers], list[str]]) -> Found:
        tree = Tree(check)
        for cube, problems in self._matrix.leaves(tree):
            for problem in problems:
                yield f"{subject}: {problem} ({self._matrix.describe(cube)})"
        self.walked += tree.evaluations

    def _there(self, path: str, answers: Answers) -> bool:
        return any(entry.path(answers) == path for entry in self._possible.get(path, ()))

    def _facts_at(self, path: str, answers: Answers) -> Facts | None:
        for entry in self._possible.get(path, ()):
            if (found := entry.whole(answers)) is not None and found[0] == path:
                return facts(path, found[1].content)
        return None


class CombinationChecks(Checks):
    """Modules, links and paths belong together."""

    def imports_resolve(self) -> Found:
        """Find imports of ours, and import strings, whose module or name is not there."""
        return self._for_each_file(".py", self._unresolved)

    def links_resolve(self) -> Found:
        """Find links in documents that lead to no file, folder or heading."""
        return self._for_each_file(".md", self._broken_links)

    def modules_are_used(self) -> Found:
        """Find modules of the chassis that nothing imports or names: adapters that were not chosen, forgotten files."""
        users: dict[str, list[Entry]] = defaultdict(list)
        for entry, variants in self._facts.items():
            for path, known in variants:
                for used in () if path.startswith("tests/") else _referred(known):
                    users[used].append(entry)
        for path in [path for path in self._possible if path.startswith("src/chassis/") and path.endswith(".py")]:
            module = module_of(path)
            if module is not None and PurePosixPath(path).stem not in ENTRY_POINTS:
                yield from self._walk(path, partial(self._unused, path, module, users[module]))

    def ports_have_adapters(self) -> Found:
        """Find ports for which a combination has no adapter."""
        folders = {str(PurePosixPath(p).parent) for p in self._possible if re.match(r"src/chassis/adapters/\w+/\w", p)}
        for folder in sorted(folders):
            yield from self._walk(folder, partial(self._adapters, folder))

    def paths_differ(self) -> Found:
        """Find files that would land on one path, also where upper and lower case are the same."""
        alike: dict[str, list[Entry]] = defaultdict(list)
        for path, entries in self._possible.items():
            alike[path.casefold()].extend(entries)
        for path, entries in alike.items():
            if len(entries) > 1:
                yield from self._walk(path, partial(self._colliding, entries))

    def _for_each_file(self, suffix: str, check: Callable[[str, Facts, Answers], list[str]]) -> Found:
        for entry in self._facts:
            path = self._facts[entry][0][0]
            if path.endswith(suffix):
                yield from self._walk(path, partial(self._of_file, entry, check))

    def _of_file(self, entry: Entry, check: Callable[[str, Facts, Answers], list[str]], answers: Answers) -> list[str]:
        found = entry.whole(answers)
        return [] if found is None else check(found[0], facts(found[0], found[1].content), answers)

    def _defines(self, module: str, name: str, answers: Answers) -> bool:
        """Tell whether a module is there and has this name, or a module below it has; any will do where it is empty."""
        known = next((known for path in module_paths(module) if (known := self._facts_at(path, answers))), None)
        if known is not None and (not name or name in known.defines):
            return True
        return bool(name) and any(self._there(path, answers) for path in module_paths(f"{module}.{name}"))

    def _unresolved(self, path: str, known: Facts, answers: Answers) -> list[str]:
        wanted = set(known.imports)
        if not path.startswith("tests/"):  # which name what is not there on purpose
            wanted |= {(module, name) for module, colon, name in (text.partition(":") for text in known.named) if colon}
        return [
            f"names {module}{':' if name else ''}{name}, which is not there"
            for module, name in sorted(wanted)
            if not self._defines(module, name, answers)
        ]

    def _broken_links(self, path: str, known: Facts, answers: Answers) -> list[str]:
        problems = []
        for link in known.links:
            target, _, anchor = link.partition("#")
            place = _joined(path, target) if target else path
            if anchor and place.endswith(".md"):
                document = self._facts_at(place, answers)
                good = document is not None and anchor in document.anchors
            else:
                folder = [other for other in self._possible if other.startswith(f"{place}/")]
                good = self._there(place, answers) or any(self._there(other, answers) for other in folder)
            if not good:
                problems.append(f"links to {link}, which is not there")
        return problems

    def _unused(self, path: str, module: str, users: list[Entry], answers: Answers) -> list[str]:
        if not self._there(path, answers):
            return []
        for user in users:
            found = user.whole(answers)
            if found is not None and found[0] != path and module in _referred(facts(found[0], found[1].content)):
                return []
        return ["nothing imports or names it"]

    def _adapters(self, folder: str, answers: Answers) -> list[str]:
        names = [
            path
            for path in self._possible
            if PurePosixPath(path).parent == PurePosixPath(folder)
            and not path.endswith(("/__init__.py", "_settings.py"))
            and self._there(path, answers)
        ]
        return [] if names else ["has no adapter"]

    def _colliding(self, entries: list[Entry], answers: Answers) -> list[str]:
        there = [str(entry.source) for entry in entries if entry.path(answers) is not None]
        return [f"comes from {' and '.join(there)}"] if len(there) > 1 else []


def _referred(known: Facts) -> set[str]:
    """Give every module that may be meant: `from a.b import c` can mean `a.b.c`."""
    imported = {module for module, _ in known.imports} | {f"{module}.{name}" for module, name in known.imports if name}
    return imported | {text.partition(":")[0] for text in known.named}


def _joined(page: str, target: str) -> str:
    parts: list[str] = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
