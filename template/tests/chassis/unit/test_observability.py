"""Rules and dashboards name what the code emits; each alert has its runbook, and is shown to fire, to be silent and to resolve."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.figures import emitted
from tests.support.prometheus import of_prometheus
from tests.support.promql import asked

ROOT = Path("observability")
RULES = sorted(Path("deploy/chart/rules").glob("*.y*ml"))
CASES = sorted(ROOT.glob("prometheus/tests/*.yml"))
DASHBOARDS = sorted(ROOT.glob("grafana/dashboards/*.json"))
BY_PROMETHEUS = frozenset({"instance", "job", "namespace", "pod"})
LABEL = re.compile(r"\$labels\.(\w+)|\{\{\s*(\w+)\s*\}\}")


def rules() -> list[dict[str, Any]]:
    return [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def expressions() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield where each expression stands, the expression, and the labels that what is said about it needs."""
    for rule in rules():
        said = " ".join(rule.get("annotations", {}).values())
        yield rule.get("alert") or rule["record"], rule["expr"], labels_in(said)
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"], labels_in(target["legendFormat"])
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{path.stem}: ${variable['name']}", variable["query"], frozenset()


def labels_in(text: str) -> frozenset[str]:
    return frozenset(one or other for one, other in LABEL.findall(text))


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize(
    ("where", "expression", "shown"), EXPRESSIONS, ids=[f"{one[0]}-{i}" for i, one in enumerate(EXPRESSIONS)]
)
def test_it_asks_for_what_the_code_emits(where: str, expression: str, shown: frozenset[str]) -> None:
    known = emitted()
    recorded = {rule["record"]: asked(rule["expr"]).groups for rule in rules() if "record" in rule}
    question = asked(expression)
    assert question.series, where
    for name, matched in question.series:
        assert name in known or name in recorded, f"{where}: nothing emits {name}"
        labels = (known[name] if name in known else recorded[name]) | BY_PROMETHEUS
        assert matched | question.groups <= labels, f"{where}: {name} has no {matched | question.groups - labels}"
    result = question.groups or frozenset().union(*(recorded.get(name, frozenset()) for name, _ in question.series))
    assert shown <= result, f"{where}: {shown - result} is not in the result"


def test_the_reader_of_expressions_reads_them() -> None:
    found = asked(
        'sum by (a, le) (rate(chassis_x_bucket{b=~"c{d}", e!="f"}[5m])) / chassis:y:ratio_rate5m > 14.4 * 0.005'
    )
    assert found.series == (("chassis_x_bucket", frozenset({"b", "e"})), ("chassis:y:ratio_rate5m", frozenset()))
    assert found.groups == {"a", "le"}


def test_every_metric_is_shown_or_alerted_on() -> None:
    used = {name for _, expression, _ in EXPRESSIONS for name, _ in asked(expression).series}
    families = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in emitted()}
    assert not [name for name in families if not any(one.startswith(name) for one in used)]


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    named = {Path(rule["annotations"]["runbook"]) for rule in alerts()}
    assert named == set(ROOT.glob("runbooks/*.md"))
    for rule in alerts():
        text = Path(rule["annotations"]["runbook"]).read_text()
        assert text.startswith(f"# {rule['alert']}\n"), rule["alert"]
        assert "## Look" in text
        assert "## Do" in text
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_each_alert_is_shown_silent_firing_and_resolved() -> None:
    shown: defaultdict[str, list[bool]] = defaultdict(list)
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for one in case["alert_rule_test"]:
                shown[one["alertname"]].append(bool(one["exp_alerts"]))
    assert dict(shown) == {rule["alert"]: [False, True, False] for rule in alerts()}


@pytest.mark.slow
def test_prometheus_takes_the_rules_and_they_do_as_their_cases_say() -> None:
    for command, files in (("check", RULES), ("test", CASES)):
        done = subprocess.run(
            [of_prometheus("promtool"), command, "rules", *map(str, files)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_dashboards_have_their_own_ids_and_panels_do_not_overlap() -> None:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({board["uid"] for board in boards}) == len(boards) == 4
    for board in boards:
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(set(places)) == len(places)
        assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${source}"}


def test_the_collector_keeps_errors_and_slow_runs() -> None:
    config = yaml.safe_load((ROOT / "collector/config.yaml").read_text())
    policies = {one["name"]: one for one in config["processors"]["tail_sampling"]["policies"]}
    assert policies["errors"]["status_code"] == {"status_codes": ["ERROR"]}
    assert policies["slow"]["latency"]["threshold_ms"] <= 10_000
    pipeline = config["service"]["pipelines"]["traces"]
    assert set(pipeline["processors"]) <= set(config["processors"])
    assert set(pipeline["exporters"]) <= set(config["exporters"])
