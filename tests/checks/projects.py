"""What must be true of every combination as a whole, by the facts of its files.

Each check is a function of the answers like any file: it looks files up, so that what it read is recorded, and it is
walked for every way its reads can go. A problem comes with the answers that lead to it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath

from tests.checks.facts import module_of, module_paths
from tests.checks.parts import Part, parts_of
from tests.decision_tree import Answers, Tree
from tests.render import Entry
from tests.variants import Variants

ENTRY_POINTS = ("__init__", "__main__")
PORT = re.compile(r"src/chassis/adapters/\w+/__init__\.py")
ADAPTER = re.compile(r"/(?!__init__)\w+(?<!_settings)\.py$")

Found = Iterator[str]


class Checks:
    """Looks files up in any combination; gives the problems it found, one a line."""

    def __init__(self, variants: Variants) -> None:
        self._matrix = variants.matrix
        self._parts = parts_of(variants)
        self._at: dict[str, list[Entry]] = defaultdict(list)
        self._parts_at: dict[str, list[Part]] = defaultdict(list)
        for variant in variants.all:
            if variant.entry not in self._at[variant.path]:
                self._at[variant.path].append(variant.entry)
        for part in self._parts:
            self._parts_at[part.path].append(part)
        self.walked = 0

    def _walk(self, subject: str, check: Callable[[Answers], list[str]]) -> Found:
        tree = Tree(check)
        for cube, problems in self._matrix.leaves(tree):
            for problem in problems:
                yield f"{subject}: {problem} ({self._matrix.describe(cube)})"
        self.walked += tree.evaluations

    def _there(self, path: str, answers: Answers) -> bool:
        return any(entry.path(answers) == path for entry in self._at.get(path, ()))


class ProjectChecks(Checks):
    """Modules, links and paths belong together."""

    def imports_resolve(self) -> Found:
        """Find imports of ours, and import strings, whose module or name is not there."""
        for part in self._parts:
            if part.ever.imports or part.ever.named:
                yield from self._walk(part.path, partial(self._unresolved, part))

    def links_resolve(self) -> Found:
        """Find links in documents that lead to no file, folder or heading."""
        for part in self._parts:
            if part.ever.links:
                yield from self._walk(part.path, partial(self._broken_links, part))

    def modules_are_used(self) -> Found:
        """Find modules of the chassis that nothing imports or names: adapters that were not chosen, forgotten files."""
        users: dict[str, list[Part]] = defaultdict(list)
        for part in self._parts:
            for meant in () if part.path.startswith("tests/") else part.ever.meant:
                users[meant].append(part)
        for path in [path for path in self._at if path.startswith("src/chassis/") and path.endswith(".py")]:
            module = module_of(path)
            if module is not None and PurePosixPath(path).stem not in ENTRY_POINTS:
                others = [part for part in users[module] if part.path != path]
                yield from self._walk(path, partial(self._unused, path, module, others))

    def ports_have_adapters(self) -> Found:
        """Find ports for which a combination has no adapter."""
        for package in [path for path in self._at if PORT.fullmatch(path)]:
            folder = str(PurePosixPath(package).parent)
            adapters = [path for path in self._at if path.startswith(f"{folder}/") and ADAPTER.search(path)]
            yield from self._walk(folder, partial(self._without_adapter, package, adapters))

    def paths_differ(self) -> Found:
        """Find files that would land on one path, also where upper and lower case are the same."""
        alike: dict[str, list[Entry]] = defaultdict(list)
        for path, entries in self._at.items():
            alike[path.casefold()].extend(entries)
        for path, entries in alike.items():
            if len(entries) > 1:
                yield from self._walk(path, partial(self._colliding, entries))

    def _unresolved(self, part: Part, answers: Answers) -> list[str]:
        known = part.facts(answers)
        wanted = set(known.imports)
        if not part.path.startswith("tests/"):  # which name what is not there on purpose
            wanted |= {(module, name) for module, colon, name in (text.partition(":") for text in known.named) if colon}
        return [
            f"names {module}{':' if name else ''}{name}, which is not there"
            for module, name in sorted(wanted)
            if not self._defines(module, name, answers)
        ]

    def _defines(self, module: str, name: str, answers: Answers) -> bool:
        """Tell whether a module is there and has this name, or a module below it has; any will do where it is empty."""
        for path in module_paths(module):
            if not name and self._there(path, answers):
                return True
            if any(name in p.ever.defines and name in p.facts(answers).defines for p in self._parts_at.get(path, ())):
                return True
        return bool(name) and any(self._there(path, answers) for path in module_paths(f"{module}.{name}"))

    def _broken_links(self, part: Part, answers: Answers) -> list[str]:
        links = sorted(part.facts(answers).links)
        return [f"links to {link}, which is not there" for link in links if not self._leads(part.path, link, answers)]

    def _leads(self, page: str, link: str, answers: Answers) -> bool:
        target, _, anchor = link.partition("#")
        place = _joined(page, target) if target else page
        if anchor and place.endswith(".md"):
            return any(anchor in part.facts(answers).anchors for part in self._parts_at.get(place, ()))
        inside = (other for other in self._at if other.startswith(f"{place}/"))
        return self._there(place, answers) or any(self._there(other, answers) for other in inside)

    def _unused(self, path: str, module: str, users: list[Part], answers: Answers) -> list[str]:
        if not self._there(path, answers) or any(module in user.facts(answers).meant for user in users):
            return []
        return ["nothing imports or names it"]

    def _without_adapter(self, package: str, adapters: list[str], answers: Answers) -> list[str]:
        there = self._there(package, answers) and not any(self._there(path, answers) for path in adapters)
        return ["has no adapter"] if there else []

    def _colliding(self, entries: list[Entry], answers: Answers) -> list[str]:
        there = [str(entry.source) for entry in entries if entry.path(answers) is not None]
        return [f"comes from {' and '.join(there)}"] if len(there) > 1 else []


def _joined(page: str, target: str) -> str:
    parts: list[str] = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
