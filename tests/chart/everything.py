"""The whole proof: every combination, every set of values, both Helms; each distinct document held against everything once."""

import json
import os
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from tests.chart.cases import cases
from tests.chart.charts import Charts, relevant
from tests.chart.faults import faults
from tests.chart.helm import PACKAGES, helm, template
from tests.chart.operators import operator_faults
from tests.chart.scanners import checkov, trivy
from tests.chart.shared import breaches
from tests.decision_tree import Answers
from tests.render import Plan

EVERY_SECONDS = 20
SEPARATOR = re.compile(r"^---$", re.MULTILINE)


class Proof:
    """What was tried, and what was wrong."""

    def __init__(self, charts: Charts, plan: Plan, folder: Path) -> None:
        self._charts = charts
        self._plan = plan
        self._folder = folder
        self.problems: Counter[str] = Counter()
        self.documents: dict[str, dict[str, Any]] = {}
        self.renders = 0
        self.sets: Counter[str] = Counter()
        self._begun = self._said = time.monotonic()

    @property
    def least_sets(self) -> int:
        """Give how many sets of values every combination was tried with at least."""
        return min(self.sets.values())

    def run(self) -> None:
        """Try everything."""
        combinations = list(relevant(self._plan))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for number, _ in enumerate(threads.map(self._try, combinations), 1):
                self._progress(f"{number} of {len(combinations)} combinations")
        for major, answers in product(
            PACKAGES, self._plan.matrix.covering(["cloud", "secret_backend", "queue", "state_store"])
        ):
            self._lint(major, answers)
        for number, one in enumerate(self.documents.values(), 1):
            self.problems.update(faults(one))
            self._progress(f"{number} of {len(self.documents)} documents held against schemas")
        self._folder.mkdir()
        for digest, one in self.documents.items():
            (self._folder / f"{abs(hash(digest))}.json").write_text(json.dumps(one))
        for name, look in (("operators", operator_faults), ("checkov", checkov), ("Trivy", trivy)):
            print(f"{name} ...", flush=True)
            self.problems.update(look(self._folder))

    def report(self) -> str:
        """Say what was tried."""
        seconds = time.monotonic() - self._begun
        return (
            f"{len(self.sets)} combinations with {self.least_sets} sets of values or more, Helm {' and '.join(map(str, sorted(PACKAGES)))}: "
            f"{self.renders} renders, {len(self.documents)} distinct documents, {sum(self.problems.values())} problems "
            f"({seconds:.0f} s)"
        )

    def _try(self, answers: Answers) -> None:
        chart = self._charts.of(answers)
        for name, values in cases(answers):
            outputs = [template(major, chart, [self._charts.values(chart, values)]) for major in sorted(PACKAGES)]
            where = f"{self._plan.matrix.describe(answers)}; {name}"
            self.renders += len(outputs)
            self.sets[self._plan.matrix.describe(answers)] += 1
            if any(one.code for one in outputs):
                self.problems[f"{where}: {' '.join(one.errors for one in outputs)}"] += 1
                continue
            if len({frozenset(part.strip() for part in SEPARATOR.split(one.output)) for one in outputs}) != 1:
                self.problems[f"{where}: the Helms differ"] += 1
            found = [one for one in yaml.load_all(outputs[-1].output, yaml.CSafeLoader) if one]
            self.problems.update(f"{where}: {breach}" for breach in breaches(found))
            self.documents |= {json.dumps(one, sort_keys=True): one for one in found}

    def _lint(self, major: int, answers: Answers) -> None:
        chart = self._charts.of(answers)
        done = helm(major, "lint", "--strict", chart, "--values", self._charts.values(chart, {}))
        if done.code:
            self.problems[f"lint: {done.output}{done.errors}"] += 1

    def _progress(self, what: str) -> None:
        if time.monotonic() - self._said > EVERY_SECONDS:
            self._said = time.monotonic()
            print(f"{self._said - self._begun:5.0f} s: {what}, {sum(self.problems.values())} problems", flush=True)
