"""How many there are of each process, and who goes first where there is too little room."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import environments, merged, rendered
from tests.support.manifests import Manifest, workloads

INSIDE: dict[str, Any] = {
    "database": {"mode": "cloudnative_pg"},
    "network_policy": {"egress": {"kubernetes_api": {"to": [{"cidr": "10.0.9.0/28"}]}}},
}


@pytest.fixture
def without_logins(tmp_path: Path) -> Path:
    """Give the values of an environment without a managed database."""
    [path, *_] = environments()
    values = yaml.safe_load(path.read_text())
    for owner in ("config", "migrate", "keeper"):
        values[owner].pop("database", None)
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    return tmp_path / "values.yaml"


def _one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    spec: Manifest = found["spec"]
    return spec


def test_the_api_scales_by_processor_between_its_bounds() -> None:
    [values, *_] = environments()
    manifests = rendered(values, {"api": {"min_replicas": 3, "max_replicas": 7, "cpu_percent": 55}})
    scaled = _one(manifests, "HorizontalPodAutoscaler", "my-agent-api")
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (3, 7)
    assert scaled["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}}
    ]
    assert "replicas" not in _one(manifests, "Deployment", "my-agent-api")  # each release would take it back


@pytest.mark.parametrize(("keda", "replicas"), [(True, None), (False, 4)])
def test_workers_are_counted_by_one_alone(keda: bool, replicas: int | None) -> None:
    [values, *_] = environments()
    manifests = rendered(values, {"worker": {"max_replicas": 4, "keda": {"enabled": keda}}})
    assert _one(manifests, "Deployment", "my-agent-worker").get("replicas") == replicas
    assert ("ScaledObject" in {one["kind"] for one in manifests}) is keda


@pytest.mark.parametrize("name", ["important", ""])
def test_whatever_runs_has_the_priority_that_was_asked_for(name: str, without_logins: Path) -> None:
    manifests = rendered(without_logins, merged(INSIDE, {"priority_class": name}))
    specs = [spec for _, _, spec in workloads(manifests)] + [_one(manifests, "Cluster", "my-agent-postgres")]
    assert len(specs) >= 5
    assert {spec.get("priorityClassName") for spec in specs} == {name or None}
