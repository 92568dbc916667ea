"""The checks of every combination, and the report of what they covered (`make every-combination`)."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.checks import files
from tests.checks.dependencies import DependencyChecks
from tests.checks.options import options_without_effect, refusals_without_words
from tests.checks.projects import ProjectChecks
from tests.copier_cli import copy_tree
from tests.copier_inside import CopierInside
from tests.hostile import UNUSUAL_TEXTS
from tests.matrix import Matrix
from tests.render import Plan
from tests.variants import Variants

ARGUMENT = """\
Why this is all of them: a template, an exclusion, a validator and a check see
the answers through a recorder and nothing else, so that what they read is known.
Each was walked for every value of each answer it read, coupled answers crossed
in full. Two combinations that differ only in what was not read cannot differ in
the outcome. The variants of each file were counted, and add up to all
combinations; what the recorder could not see (the clock, chance, the machine,
all answers at once, a file included by an answer) is an error."""

CONCISE = ("--output-format", "concise")


class EveryCombination:
    """All combinations of one template, enumerated."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.matrix = plan.matrix
        self.variants = Variants(plan)
        self.together = ProjectChecks(self.variants)
        self.dependencies = DependencyChecks(self.variants)

    @property
    def walked(self) -> int:
        """Give how often a check over files was evaluated."""
        return self.together.walked + self.dependencies.walked

    def check(self, name: str) -> list[str]:
        """Give the problems one check finds."""
        return list(CHECKS[name](self))


CHECKS: dict[str, Callable[[EveryCombination], Iterator[str]]] = {
    "every combination is covered": lambda e: (f"{name}: variants are missing" for name in e.variants.uncounted),
    "files parse and compile": lambda e: files.broken_syntax(e.variants.all, e.matrix),
    "files end in one line feed": lambda e: files.untidy_text(e.variants.all, e.matrix),
    "no Jinja is left": lambda e: files.left_over_templates(e.variants.all, e.matrix),
    "scripts alone are executable": lambda e: files.wrong_modes(e.variants.all, e.matrix),
    "ruff check": lambda e: files.ruff_findings(e.variants.all, e.matrix, "check", *CONCISE),
    "ruff format": lambda e: files.ruff_findings(e.variants.all, e.matrix, "format", "--check", *CONCISE),
    "imports resolve": lambda e: e.together.imports_resolve(),
    "no module is an orphan": lambda e: e.together.modules_are_used(),
    "ports have adapters": lambda e: e.together.ports_have_adapters(),
    "links resolve": lambda e: e.together.links_resolve(),
    "paths differ in more than case": lambda e: e.together.paths_differ(),
    "dependencies are declared": lambda e: e.dependencies.dependencies_are_declared(),
    "dependencies are used": lambda e: e.dependencies.dependencies_are_used(),
    "options change something": lambda e: options_without_effect(e.plan),
    "refusals are sentences": lambda e: refusals_without_words(e.matrix),
}


def enumerate_template(source: Path) -> EveryCombination:
    """Enumerate the template in this folder, with plain and with the worst valid texts."""
    copier = CopierInside.of(source)
    return EveryCombination(Plan(copier, Matrix(copier, texts=UNUSUAL_TEXTS)))


def report(source: Path, *, brief: bool) -> int:
    """Check every combination of the template in this folder and print what was covered; 1 when there is a problem."""
    started = time.perf_counter()
    every = enumerate_template(source)
    found = 0
    for name in CHECKS:
        problems = every.check(name)
        if problems or not brief:
            print(f"{'FAIL' if problems else 'ok  '}  {name}", flush=True)
        for problem in problems:
            print(f"      {problem}")
        found += len(problems)
    seconds = time.perf_counter() - started
    if brief:
        files, outcome = len(every.variants.all), f"{found} to mend" if found else "all well"
        print(f"{every.matrix.count:,} combinations, {files:,} distinct files: {outcome} ({seconds:.1f} s)")
    else:
        print(_coverage(every, seconds))
    return 1 if found else 0


def _coverage(every: EveryCombination, seconds: float) -> str:
    groups = ", ".join(str(len(group.rows)) for group in every.matrix.groups if len(group.rows) > 1)
    wide = [f"{e.source} reads too many for that: each two of its pieces were crossed." for e in every.variants.wide]
    return "\n".join(
        [
            "",
            f"{every.matrix.count:>9,} valid combinations of choices (coupled groups: {groups or 1})",
            f"{len(every.matrix.refused):>9,} refused, each with its sentence",
            f"{len(every.plan.entries):>9,} files of the template, {every.plan.renders:,} pieces rendered",
            f"{len(every.variants.all):>9,} distinct files, each checked",
            f"{every.walked:>9,} evaluations of checks over whole projects",
            f"{seconds:>9.1f} seconds",
            "",
            ARGUMENT,
            *wide,
            "The answers file holds one line an answer: each pair of values was rendered.",
        ]
    )


def main() -> int:
    """Report on the working tree, or on the template in the folder that is given."""
    parser = argparse.ArgumentParser(description="Render and check every combination of answers.")
    parser.add_argument("template", nargs="?", type=Path, help="a template's folder; default: the working tree")
    parser.add_argument("--brief", action="store_true", help="print problems and one line")
    options = parser.parse_args()
    if options.template is not None:
        return report(options.template, brief=options.brief)
    with tempfile.TemporaryDirectory() as folder:
        return report(copy_tree(Path(folder) / "template"), brief=options.brief)


if __name__ == "__main__":
    sys.exit(main())
