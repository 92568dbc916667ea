"""How long Helm takes to render the chart of each combination of the core choices: whole processes of both majors, in turn.

`python -m bench.charts` prints a line a combination, and the figures as JSON at the end.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.chart.charts import Charts
from tests.chart.helm import PACKAGES, template
from tests.copier_cli import snapshot
from tests.copier_inside import CopierInside
from tests.matrix import Matrix
from tests.render import Plan

RUNS = 3
CORE = ("cloud", "secret_backend", "queue", "state_store")
MAJORS = sorted(PACKAGES)


def main() -> int:
    """Render each chart with the values of production."""
    figures: dict[str, float | str] = {}
    medians: list[dict[int, float]] = []
    with tempfile.TemporaryDirectory(prefix="charts-") as directory:
        copier = CopierInside.of(snapshot(Path(directory) / "template"))
        matrix = Matrix(copier)
        charts = Charts(Plan(copier, matrix), Path(directory) / "charts")
        for answers in matrix.core():
            chart = charts.of(answers)
            found = milliseconds(chart, charts.values(chart, {}))
            medians.append(found)
            name = f"chart: ms with Helm {' / '.join(map(str, MAJORS))}, {matrix.describe({key: answers[key] for key in CORE})}"
            figures[name] = " / ".join(f"{found[major]:.0f}" for major in MAJORS)
            print(f"{figures[name]:>10}  {name}", flush=True)
    for major in MAJORS:
        figures[f"chart: ms with Helm {major}, median of {len(medians)} combinations"] = round(
            statistics.median(found[major] for found in medians)
        )
        figures[f"chart: ms with Helm {major}, slowest combination"] = round(max(found[major] for found in medians))
    figures[f"chart: ratio of Helm {MAJORS[-1]} to Helm {MAJORS[0]}"] = round(
        statistics.median(found[MAJORS[-1]] / found[MAJORS[0]] for found in medians), 2
    )
    print(json.dumps(figures))
    return 0


def milliseconds(chart: Path, values: Path) -> dict[int, float]:
    """Give the median of each Helm, in turn so that a slow moment of the machine hits both; the first round warms up."""
    found: dict[int, list[float]] = {major: [] for major in MAJORS}
    for _ in range(RUNS + 1):
        for major in MAJORS:
            begun = time.perf_counter()
            done = template(major, chart, values, environment={})
            found[major].append((time.perf_counter() - begun) * 1000)
            assert done.code == 0, done.errors
    return {major: statistics.median(taken[1:]) for major, taken in found.items()}


if __name__ == "__main__":
    sys.exit(main())
