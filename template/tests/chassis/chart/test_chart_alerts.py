"""The alerts come with the chart: the files that promtool tests, as they are, and those that somebody puts beside them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import CHART, RefusedError, environments, rendered
from tests.support.manifests import Manifest

MONITORED: dict[str, Any] = {"monitoring": {"enabled": True, "labels": {"release": "prometheus"}}}
OWN = """
groups:
  - name: own
    rules:
      - alert: NoTickets
        expr: absent(tickets_total)
        annotations:
          summary: "{{ $labels.service_name }} has no tickets: {{ $value }}"
"""


def _rules(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == "PrometheusRule"}


def test_every_file_of_rules_is_an_object_as_it_is() -> None:
    [values, *_] = environments()
    found = _rules(rendered(values, MONITORED))
    files = {f"my-agent-rules-{path.stem}": yaml.safe_load(path.read_text()) for path in (CHART / "rules").iterdir()}
    assert {name: one["spec"] for name, one in found.items()} == files != {}
    assert "{{ $labels.service_name }}" in str(files)
    assert {one["metadata"]["labels"]["release"] for one in found.values()} == {"prometheus"}


@pytest.mark.parametrize("monitoring", [{"enabled": False}, {"enabled": True, "rules": False}])
def test_without_monitoring_or_told_so_no_alert_comes(monitoring: dict[str, bool]) -> None:
    [values, *_] = environments()
    assert not _rules(rendered(values, {"monitoring": monitoring}))


def test_rules_of_ones_own_come_along(tmp_path: Path) -> None:
    [values, *_] = environments()
    chart = shutil.copytree(CHART, tmp_path / "chart")
    (chart / "rules/Our_own.yaml").write_text(OWN)
    found = _rules(rendered(values, MONITORED, chart))
    assert found["my-agent-rules-our-own"]["spec"] == yaml.safe_load(OWN)


@pytest.mark.parametrize("text", ["alerts: []\n", "groups: [\n", ""])
def test_a_file_that_holds_no_rules_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    [values, *_] = environments()
    chart = shutil.copytree(CHART, tmp_path / "chart")
    (chart / "rules/own.yml").write_text(text)
    with pytest.raises(RefusedError, match=r"rules/own\.yml holds no groups of rules"):
        rendered(values, MONITORED, chart)
