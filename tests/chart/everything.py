"""The whole proof: every combination, every set of values, both Helms; each distinct document held against everything once."""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from tests.chart.cases import cases
from tests.chart.charts import Charts, relevant
from tests.chart.faults import faults
from tests.chart.helm import PACKAGES, helm, template
from tests.chart.operators import definitions, operator_faults
from tests.chart.scanners import checkov, programs, trivy
from tests.chart.shared import breaches
from tests.decision_tree import Answers
from tests.render import Plan

EVERY_SECONDS = 20
PART = 300
"""So many documents are scanned at a time. checkov compares them by twos: 39.6 s of processor for 576, 10.7 s for 300."""
SEPARATOR = re.compile(r"^---$", re.MULTILINE)


@dataclass
class Tried:
    """What was rendered of one combination, and what was wrong."""

    sets: int = 0
    renders: int = 0
    problems: list[str] = field(default_factory=list)
    releases: list[dict[str, Any]] = field(default_factory=list)
    """For each set of values its documents, by their text."""


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
        self._releases: Counter[str] = Counter()
        self._known: dict[str, tuple[str, dict[str, Any]]] = {}
        self._begun = self._said = time.monotonic()

    @property
    def least_sets(self) -> int:
        """Give how many sets of values every combination was tried with at least."""
        return min(self.sets.values())

    def run(self) -> None:
        """Try everything."""
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            self._render(threads)
            for number, one in enumerate(self.documents.values(), 1):
                self.problems.update(faults(one))
                self._progress(f"{number} of {len(self.documents)} documents held against schemas")
            self._scan(threads)

    def report(self) -> str:
        """Say what was tried."""
        seconds = time.monotonic() - self._begun
        return (
            f"{len(self.sets)} combinations with {self.least_sets} sets of values or more, Helm {' and '.join(map(str, sorted(PACKAGES)))}: "
            f"{self.renders} renders, {len(self.documents)} distinct documents, {sum(self.problems.values())} problems "
            f"({seconds:.0f} s)"
        )

    def _render(self, threads: ThreadPoolExecutor) -> None:
        combinations = list(relevant(self._plan))
        for number, (answers, tried) in enumerate(
            zip(combinations, threads.map(self._try, combinations), strict=True), 1
        ):
            self.sets[self._plan.matrix.describe(answers)] += tried.sets
            self.renders += tried.renders
            self.problems.update(tried.problems)
            for release in tried.releases:
                self.documents |= release
                self._releases.update(release.keys())
            self._progress(f"{number} of {len(combinations)} combinations")
        for major, answers in product(
            PACKAGES, self._plan.matrix.covering(["cloud", "secret_backend", "queue", "state_store"])
        ):
            self._lint(major, answers)

    def _scan(self, threads: ThreadPoolExecutor) -> None:
        self._folder.mkdir()
        for install in (programs, definitions):  # before several want them at once
            install()
        parts = list(self._parts())
        looks = list(product(parts, (operator_faults, checkov, trivy)))
        for number, found in enumerate(threads.map(lambda look: list(look[1](look[0])), looks), 1):
            self.problems.update(found)
            self._progress(f"{number} of {len(looks)} looks of operators' definitions, checkov and Trivy")

    def _parts(self) -> Iterator[Path]:
        """Write the documents into folders.

        What every release has is in each of them, such as the policy that denies everything, which checkov looks for beside a pod.
        """
        most = max(self._releases.values())
        common = [one for digest, one in self.documents.items() if self._releases[digest] == most]
        others = [one for digest, one in self.documents.items() if self._releases[digest] != most]
        for begin in range(0, len(others), PART):
            folder = self._folder / str(begin)
            folder.mkdir()
            for number, one in enumerate([*common, *others[begin : begin + PART]]):
                (folder / f"{number}.json").write_text(json.dumps(one))
            yield folder

    def _try(self, answers: Answers) -> Tried:
        chart = self._charts.of(answers)
        tried = Tried()
        for name, values in cases(answers):
            outputs = [template(major, chart, self._charts.values(chart, values)) for major in sorted(PACKAGES)]
            where = f"{self._plan.matrix.describe(answers)}; {name}"
            tried.renders += len(outputs)
            tried.sets += 1
            if any(one.code for one in outputs):
                tried.problems.append(f"{where}: {' '.join(one.errors for one in outputs)}")
                continue
            if len({frozenset(part.strip() for part in SEPARATOR.split(one.output)) for one in outputs}) != 1:
                tried.problems.append(f"{where}: the Helms differ")
            release = [self._read(text) for text in SEPARATOR.split(outputs[-1].output)]
            tried.problems.extend(f"{where}: {breach}" for breach in breaches([one for _, one in release if one]))
            tried.releases.append({digest: one for digest, one in release if one})
        return tried

    def _read(self, text: str) -> tuple[str, dict[str, Any]]:
        """Read a document, one that was read before from memory; beside it is what tells it from others."""
        if text not in self._known:
            found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader) or {}
            self._known[text] = json.dumps(found, sort_keys=True), found
        return self._known[text]

    def _lint(self, major: int, answers: Answers) -> None:
        chart = self._charts.of(answers)
        done = helm(major, "lint", "--strict", chart, "--values", self._charts.values(chart, {}))
        if done.code:
            self.problems[f"lint: {done.output}{done.errors}"] += 1

    def _progress(self, what: str) -> None:
        if time.monotonic() - self._said > EVERY_SECONDS:
            self._said = time.monotonic()
            print(f"{self._said - self._begun:5.0f} s: {what}, {sum(self.problems.values())} problems", flush=True)
