"""How long every combination takes: of the real template, and of one with a million. Run by `bench/run.py`.

The naive way, each combination put together file by file, cross-checks the exhaustive one: it must find no file that was
not enumerated.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import synthetic

from tests.copier_cli import ROOT, copy_tree
from tests.copier_inside import CopierInside
from tests.every_combination import EveryCombination
from tests.matrix import Matrix
from tests.render import Plan

NAIVE = 100_000
RUNS = 3


def main() -> None:
    """Print the figures as one line of JSON."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        real = copy_tree(Path(folder) / "real")
        million = synthetic.write(Path(folder) / "million")
        figures["combinations: real template, seconds for all checks"] = whole_process(real)
        figures["combinations: real template, ms each (<= 5)"] = milliseconds_each(plan(real))
        figures["combinations: 1,000,000 covered, seconds (<= 60)"] = whole_process(million)
        figures |= naive(plan(million))
    print(json.dumps(figures))


def plan(template: Path) -> Plan:
    """Plan a template."""
    copier = CopierInside.of(template)
    return Plan(copier, Matrix(copier))


def whole_process(template: Path) -> float:
    """Give the median seconds of `make every-combination` on a template."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "tests.every_combination", str(template)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return round(statistics.median(seconds), 2)


def milliseconds_each(plan: Plan) -> float:
    """Give the median time in which one more combination is put together; each is rendered for the first time."""
    seconds = []
    for answers in plan.matrix.combinations():
        started = time.perf_counter()
        plan.render(answers)
        seconds.append(time.perf_counter() - started)
    return round(statistics.median(seconds) * 1000, 2)


def naive(plan: Plan) -> dict[str, float]:
    """Put many combinations together one by one; every file must be one that was enumerated."""
    assert plan.matrix.count == synthetic.VALID
    variants = EveryCombination(plan).variants
    enumerated = {(variant.path, variant.file) for variant in variants.all}
    wide = {entry.path(plan.matrix.complete({})) for entry in variants.wide} | {plan.copier.answers_path}
    sample = plan.matrix.random(NAIVE, seed=1)
    started = time.perf_counter()
    for answers in sample:
        for path, file in plan.render(answers).items():
            assert (path, file) in enumerated or path in wide, (path, plan.matrix.describe(answers))
    seconds = time.perf_counter() - started
    return {
        f"combinations: {NAIVE:,} one by one, seconds (<= 300)": round(seconds, 1),
        "combinations: ms each of those": round(seconds / NAIVE * 1000, 2),
    }


if __name__ == "__main__":
    main()
