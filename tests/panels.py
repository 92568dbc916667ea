"""`make pictures`: what the dashboards show of a service at work, drawn from the answers of a real Prometheus.

One SVG a dashboard in template/docs/panels/. They are drawn here and not by Grafana, which is not needed for that: same queries, same
places, same units, plainer lines. The figures come from `test_panels.py` of a generated project, which has the service work for
six minutes; to draw answers that are there already: `python -m tests.panels answers.json`.
"""

import datetime as dt
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tests.copier_cli import ROOT
from tests.generated.project import open_folder

DASHBOARDS = ROOT / "template/observability/grafana/dashboards"
PICTURES = ROOT / "template/docs/panels"
SECONDS = "360"
CELL_WIDTH, CELL_HEIGHT, GAP = 38, 27, 10
HEAD, MARGIN, LEGEND_LINE = 34, 44, 14
# Okabe and Ito's palette, which the colour-blind can tell apart; the yellow is left out, it is hard to see on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555")
STYLE = (
    "text{font:11px sans-serif;fill:#333}.t{font-size:13px;font-weight:bold}.h{font-size:16px;font-weight:bold}"
    ".a{fill:#666;font-size:10px}.g{stroke:#e5e5e5}.l{fill:none;stroke-width:1.6}"
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One series: its name in the legend, and its points; a gap is a number that is none."""

    name: str
    points: Sequence[Point]


def main() -> int:
    """Have the service work, unless answers are given, and draw."""
    answers = json.loads(Path(sys.argv[1]).read_text()) if sys.argv[1:] else answered()
    PICTURES.mkdir(exist_ok=True)
    for path in sorted(DASHBOARDS.glob("*.json")):
        picture = PICTURES / f"{path.stem}.svg"
        picture.write_text(board(json.loads(path.read_text()), path.stem, answers))
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size // 1000} kB")
    return 0


def answered() -> Any:
    """Generate a project, have its service work, and give what Prometheus answered."""
    with open_folder() as folder:
        project, answers = folder / "project", folder / "panels.json"
        command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD"]
        subprocess.run([*command, str(ROOT), str(project)], check=True)
        subprocess.run(["make", "--no-print-directory", ".venv/.ready"], cwd=project, check=True)
        subprocess.run(
            [str(project / ".venv/bin/python"), "-m", "pytest", "-q", "tests/chassis/e2e/test_panels.py"],
            cwd=project,
            env={**os.environ, "PANELS": str(answers), "PANELS_SECONDS": SECONDS, "CI": "1"},
            check=True,
        )
        return json.loads(answers.read_text())


def board(dashboard: dict[str, Any], stem: str, answers: dict[str, Any]) -> str:
    """Draw a dashboard: each panel where Grafana has it."""
    panels = dashboard["panels"]
    width = max(panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in panels) * CELL_WIDTH + GAP
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * CELL_HEIGHT + HEAD + GAP
    span = answers["began"], answers["ended"]
    inner = "".join(
        place(panel, lines_of(stem, panel["title"], answers["answers"]), span, units(panel)) for panel in panels
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{escape(dashboard['title'])}</title><style>{STYLE}</style>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text class="h" x="{GAP}" y="23">{escape(dashboard["title"])}</text>{inner}</svg>\n'
    )


def units(panel: dict[str, Any]) -> str:
    """Give a panel's unit, as Grafana calls it."""
    unit: str = panel["fieldConfig"]["defaults"]["unit"]
    return unit


def lines_of(stem: str, title: str, answers: Sequence[dict[str, Any]]) -> list[Line]:
    """Give the lines of a panel: those that have a number."""
    found = []
    for answer in answers:
        if (answer["board"], answer["panel"]) != (stem, title):
            continue
        for series in answer["series"]:
            points = [(float(when), float(value)) for when, value in series["values"]]
            if any(math.isfinite(value) for _, value in points):
                found.append(Line(legend(answer["legend"], series["metric"]), points))
    return found


def legend(text: str, labels: dict[str, str]) -> str:
    """Fill in the legend."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda label: labels.get(label[1], "(none)"), text)


def place(panel: dict[str, Any], lines: list[Line], span: tuple[float, float], unit: str) -> str:
    """Draw a panel in its place."""
    position = panel["gridPos"]
    x, y = position["x"] * CELL_WIDTH + GAP, position["y"] * CELL_HEIGHT + HEAD
    width, height = position["w"] * CELL_WIDTH - GAP, position["h"] * CELL_HEIGHT - GAP
    frame = f'<rect width="{width}" height="{height}" fill="none" stroke="#ccc" rx="3"/>'
    title = f'<text class="t" x="8" y="17">{escape(panel["title"])}</text>'
    draw = table if panel["type"] == "table" else graph
    inner = draw(lines, span, unit, width, height) if lines else nothing(width, height)
    return f'<g transform="translate({x} {y})">{frame}{title}{inner}</g>'


def nothing(width: int, height: int) -> str:
    """Say that there is nothing to show."""
    return f'<text class="a" x="{width / 2:.0f}" y="{height / 2:.0f}" text-anchor="middle">No data: it did not happen</text>'


def table(lines: list[Line], _span: tuple[float, float], unit: str, width: int, _height: int) -> str:
    """Draw the last number of each line."""
    rows = sorted(((line.points[-1][1], line.name) for line in lines), reverse=True)
    return "".join(
        f'<text x="8" y="{42 + 18 * number}">{escape(name)}</text>'
        f'<text x="{width - 12}" y="{42 + 18 * number}" text-anchor="end">{said(value, unit)}</text>'
        for number, (value, name) in enumerate(rows)
    )


def graph(lines: list[Line], span: tuple[float, float], unit: str, width: int, height: int) -> str:
    """Draw lines over time, with an axis from nothing up, and the names below."""
    names = list(legend_lines([line.name for line in lines], width - 16))
    left, right, top = MARGIN + 8, width - 12, 28
    bottom = height - 22 - LEGEND_LINE * len(names)
    ticks = scale(max(value for line in lines for _, value in line.points if math.isfinite(value)))
    most = ticks[-1]

    def across(when: float) -> float:
        return left + (when - span[0]) / (span[1] - span[0]) * (right - left)

    def up(value: float) -> float:
        return bottom - value / most * (bottom - top)

    drawn = [
        f'<path class="g" d="M{left} {up(tick):.0f}H{right}"/>'
        f'<text class="a" x="{left - 5}" y="{up(tick) + 3:.0f}" text-anchor="end">{said(tick, unit)}</text>'
        for tick in ticks
    ]
    drawn += [
        f'<text class="a" x="{across(when):.0f}" y="{bottom + 13}" text-anchor="middle">{clock(when)}</text>'
        for when in minutes(*span)
    ]
    for number, line in enumerate(lines):
        shape = path_of([(across(when), up(value)) for when, value in line.points])
        drawn.append(f'<path class="l" {stroke(number)} d="{shape}"/>')
    for row, entries in enumerate(names):
        for number, offset in entries:
            y = bottom + 30 + LEGEND_LINE * row
            drawn.append(f'<path d="M{8 + offset} {y - 4}h12" {stroke(number)} stroke-width="3"/>')
            drawn.append(f'<text class="a" x="{24 + offset}" y="{y}">{escape(lines[number].name)}</text>')
    return "".join(drawn)


def stroke(number: int) -> str:
    """Give a line its colour; when all have been used, they come again with dashes."""
    dashes = ' stroke-dasharray="4 2"' if number >= len(COLOURS) else ""
    return f'stroke="{COLOURS[number % len(COLOURS)]}"{dashes}'


def legend_lines(names: Sequence[str], width: int) -> Iterator[list[tuple[int, int]]]:
    """Give rows of a legend: the number of each line, and how far to the right its name begins."""
    row: list[tuple[int, int]] = []
    offset = 0
    for number, name in enumerate(names):
        needed = 30 + 6 * len(name)
        if row and offset + needed > width:
            yield row
            row, offset = [], 0
        row.append((number, offset))
        offset += needed
    yield row


def path_of(points: Sequence[Point]) -> str:
    """Give a path in SVG's words; it is interrupted where there is no number."""
    parts, pen_down = [], False
    for x, y in points:
        if math.isfinite(y):
            parts.append(f"{'L' if pen_down else 'M'}{x:.0f} {y:.1f}")
        pen_down = math.isfinite(y)
    return "".join(parts)


def scale(most: float) -> list[float]:
    """Give the numbers of an axis that begins with nothing: few of them, and round ones."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / 3
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return [step * number for number in range(math.ceil(most / step * 0.999) + 1)]


def minutes(began: float, ended: float) -> Iterator[float]:
    """Give full minutes, few enough to be read."""
    every = next(size for size in (15, 30, 60, 120, 300, 600, 1800, 3600) if (ended - began) / size <= 6)
    yield from range(int(began // every + 1) * every, int(ended) + 1, every)


def clock(when: float) -> str:
    """Say the time of day."""
    return dt.datetime.fromtimestamp(when, dt.UTC).strftime("%H:%M:%S" if when % 60 else "%H:%M")


def said(value: float, unit: str) -> str:
    """Say a number with its unit."""
    number = f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return {"s": f"{number} s", "percentunit": f"{value * 100:.3g} %", "currencyUSD": f"${number}"}.get(unit, number)


if __name__ == "__main__":
    sys.exit(main())
