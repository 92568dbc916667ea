"""Charts of many combinations, each distinct one written once."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from tests.chart.cases import DIGEST, merged, without_nothing
from tests.decision_tree import Answers
from tests.render import Plan

CHART = "deploy/chart/"


class Charts:
    """A folder with the charts of combinations."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder

    def of(self, answers: Answers) -> Path:
        """Give the chart of a combination."""
        files = {
            entry_path.removeprefix(CHART): entry.content(answers)
            for entry in self._plan.entries
            if (entry_path := entry.path(answers)) is not None and entry_path.startswith(CHART)
        }
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
        chart = self._folder / digest
        if not chart.exists():
            for path, content in files.items():
                target = chart / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        return chart

    def values(self, chart: Path, values: Mapping[str, Any]) -> Path:
        """Write production's example with these differences into a file, with the image's digest."""
        example = yaml.safe_load((chart / "values/production.yaml").read_text())
        return self._written(without_nothing(merged(example, {"image": {"digest": DIGEST}}, values)))

    def plain(self, chart: Path, values: Mapping[str, Any]) -> Path:
        """Write them as they are, with what was taken away as null."""
        example = yaml.safe_load((chart / "values/production.yaml").read_text())
        return self._written(merged(example, {"image": {"digest": DIGEST}}, values))

    def _written(self, values: Mapping[str, Any]) -> Path:
        text = yaml.safe_dump(dict(values))
        path = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
        path.write_text(text)
        return path


def relevant(plan: Plan) -> Iterator[Answers]:
    """Give every combination of the core choices, each with a file as its audit sink and with one other sink in turn.

    A sink is a piece of the schema, an example and the name of a destination, which nothing else in the chart reads. Of
    telemetry backends, which are a piece of the schema alone, each that goes with the cloud has its turn beside other sinks.
    """
    core = plan.matrix.core()
    sinks = cycle([sink for sink in plan.matrix.choices["audit_sink"] if sink != "file"])
    clouds = plan.matrix.choices["cloud"]
    backends = {cloud: cycle(plan.matrix.values("telemetry_backend", {"cloud": cloud})) for cloud in clouds}
    for answers in core:
        yield Answers({**answers, "audit_sink": "file"}, answers.computed)
        backend = next(backends[answers["cloud"]])
        yield Answers({**answers, "audit_sink": next(sinks), "telemetry_backend": backend}, answers.computed)
