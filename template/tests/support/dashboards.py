"""Grafana's dashboards, read as Grafana reads them: what each panel asks, with the variables filled in."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.prometheus import Series

FOLDER = Path("observability/grafana/dashboards")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LOOKED_UP = re.compile(r"label_values\((\w+),\s*(\w+)\)")


@dataclass(frozen=True)
class Query:
    """One query of a panel; `legend` names labels of its result in double braces."""

    board: str
    panel: str
    ref: str
    expression: str
    legend: str
    unit: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Name it."""
        return self.board, self.panel, self.ref

    def filled(self, seconds: float) -> str:
        """Fill in what Grafana fills in: all services, over so many seconds."""
        # "Global variables", grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables: a rate's interval is
        # at least four scrapes, which are a second apart in tests/support/prometheus.py.
        values = {"service": ".*", "__range": f"{seconds:.0f}s", "__rate_interval": "4s", "__interval": "1s"}
        return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], self.expression)

    def missing(self, answer: Sequence[Series]) -> str:
        """Say what Grafana would have nothing to show of; nothing where it has all."""
        numbers = [value for one in answer for value in numbers_of(one)]
        if not answer:
            return "no series"
        if all(math.isnan(value) for value in numbers):
            return "no number"
        absent = {label for label in LEGEND.findall(self.legend) if not any(label in one["metric"] for one in answer)}
        return f"no label {', '.join(sorted(absent))}" if absent else ""


def numbers_of(series: Series) -> list[float]:
    """Give the numbers of one series."""
    return [float(value) for _, value in series.get("values", [series.get("value")])]


def boards() -> dict[str, dict[str, Any]]:
    """Give the dashboards by their files' names."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def queries() -> Iterator[Query]:
    """Give every query of every panel."""
    for name, board in boards().items():
        for panel in board["panels"]:
            unit = panel["fieldConfig"]["defaults"]["unit"]
            for target in panel["targets"]:
                yield Query(name, panel["title"], target["refId"], target["expr"], target["legendFormat"], unit)


def variables() -> Iterator[tuple[str, str, str]]:
    """Give the dashboards' own questions for values to choose from: which dashboard, which series, which label."""
    for name, board in boards().items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                found = LOOKED_UP.fullmatch(variable["query"])
                assert found, variable["query"]
                yield name, found[1], found[2]
