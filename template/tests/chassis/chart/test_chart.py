"""The chart, with the values of each environment: what it renders is valid, hardened and hangs together."""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from tests.support.helm import CHART, DIGEST, ROOT, environments, merged, rendered, run_helm
from tests.support.manifests import containers, kubesec_score, workloads
from tests.support.pod_settings import settings_of
from tests.support.release_rules import breaches

from chassis.settings_loader import InvalidSettingsError, load_settings
from chassis.settings_schema import config_schema

OPERATORS = ("cnpg.io", "external-secrets.io", "keda.sh", "monitoring.coreos.com")
"""Whose kinds the cluster learns from operators; the template's own tests know their schemas."""
OLDEST = "1.30"

each_environment = pytest.mark.parametrize("values", environments(), ids=lambda path: path.stem)

FROM_OUTSIDE: dict[str, Any] = {
    "ingress": {"enabled": True, "host": "agent.example.com", "tls_secret": "agent-tls"},
    "oauth2_proxy": {
        "enabled": True,
        "image": {"digest": DIGEST},
        "issuer_url": "https://login.example.com",
        "client_id": "my-agent",
        "email_domains": ["example.com"],
    },
    "monitoring": {"enabled": True},
    "network_policy": {"egress": {"oidc": {"to": [{"cidr": "10.0.9.0/28"}]}}},
}


@each_environment
def test_helm_finds_nothing_to_say(values: Path) -> None:
    said = run_helm("lint", "--strict", CHART, "--values", values, "--set", f"image.digest={DIGEST}")
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@each_environment
@pytest.mark.parametrize("changes", [{}, FROM_OUTSIDE], ids=["as it is", "from outside"])
def test_what_is_rendered_breaks_no_rule(values: Path, changes: dict[str, Any]) -> None:
    manifests = rendered(values, changes)
    assert len(manifests) > 15
    assert not breaches(manifests)


@each_environment
def test_pods_have_every_point_that_kubesec_gives(values: Path) -> None:
    nodes = {"pod_security": {"app_armor": True, "user_namespaces": True}}  # which older ones cannot do
    for name, one, spec in workloads(rendered(values, merged(FROM_OUTSIDE, nodes))):
        assert kubesec_score(one["kind"], spec, one["spec"].get("volumeClaimTemplates", [])) >= 19, name


@each_environment
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_kubernetes_knows_every_field(values: Path, version: str) -> None:
    for manifest in rendered(values, FROM_OUTSIDE):
        if not manifest["apiVersion"].partition("/")[0].endswith(OPERATORS):
            kubernetes_validate.validate(manifest, version, strict=True)


@each_environment
def test_the_service_would_take_these_settings(values: Path, tmp_path: Path) -> None:
    """In production it refuses one thing only: that nobody real can log in yet (docs/limits.md)."""
    found = 0
    for name, one, spec in workloads(rendered(values)):
        if one["metadata"]["labels"]["app.kubernetes.io/component"] in ("api", "worker", "keeper", "migrate"):
            found += 1
            with pytest.raises(InvalidSettingsError) as refused:
                load_settings(
                    {"CHASSIS__ENVIRONMENT": "production", **_here(settings_of(containers(spec)[0]), tmp_path)}
                )
            assert [line for line in refused.value.problems if "development principal" not in line] == [], name
    assert found == 4


def _here(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Have the files and folders that a pod mounts here."""
    moved = {}
    for name, value in environment.items():
        if value.startswith("/run/secrets/"):
            path = folder / value.strip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(exist_ok=True) if name.endswith("DIRECTORY") else path.touch()
            moved[name] = str(path)
    return environment | moved


def test_a_worker_has_time_for_its_drain() -> None:
    [values, *_] = environments()
    for seconds in (0, 20, 45.5, 3600):
        manifests = rendered(values, {"config": {"runs": {"drain_seconds": seconds}}})
        [spec] = [spec for name, _, spec in workloads(manifests) if name == "Deployment my-agent-worker"]
        assert spec["terminationGracePeriodSeconds"] > seconds + 2
        assert not breaches(manifests)


def test_numbers_are_written_as_the_service_reads_them() -> None:
    [values, *_] = environments()
    runs = {"log_bytes": 16_000_000_000, "drain_seconds": 0.5}
    for _, _, spec in workloads(
        rendered(values, {"config": {"runs": runs, "checkpoints": {"accept_unencrypted": True}}})
    ):
        given = settings_of(containers(spec)[0])
        assert given["CHASSIS__RUNS__LOG_BYTES"] == "16000000000"
        assert given["CHASSIS__RUNS__DRAIN_SECONDS"] == "0.5"
        assert given["CHASSIS__CHECKPOINTS__ACCEPT_UNENCRYPTED"] == "true"


def test_workers_go_by_the_database_and_by_the_queue() -> None:
    [values, *_] = environments()
    manifests = rendered(values, {"config": {"runs": {"concurrency": 7}}})
    [scaled] = [one["spec"] for one in manifests if one["kind"] == "ScaledObject"]
    assert scaled["minReplicaCount"] == 0
    first, *others = scaled["triggers"]
    assert first["type"] == "postgresql"
    assert "status = 'running'" in first["metadata"]["query"]
    assert first["metadata"]["targetQueryValue"] == "7"
    assert len(others) == (0 if config_schema()["properties"]["queue"]["properties"] == {} else 1)
    for trigger in scaled["triggers"]:
        assert all(isinstance(value, str) for value in trigger["metadata"].values())


def test_only_the_model_is_for_workers_alone() -> None:
    [values, *_] = environments()
    near = {"to": [{"cidr": "10.0.8.0/28"}], "ports": [443]}
    tools = {"crm": {"to": [{"namespace": "crm"}], "ports": [8443]}}
    manifests = rendered(values, {"network_policy": {"egress": {"model": near}, "agent_egress": tools}})
    reaches = {one["metadata"]["name"]: json.dumps(one["spec"]) for one in manifests if one["kind"] == "NetworkPolicy"}
    assert {name for name, text in reaches.items() if "10.0.8.0/28" in text} == {"my-agent-worker"}
    assert {name for name, text in reaches.items() if "8443" in text} == {"my-agent-worker", "my-agent-api"}


def test_values_are_described_by_the_settings_themselves() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["properties"]["config"]["properties"] == config_schema()["properties"]
    assert sorted(schema["properties"]["config"]["required"]) == sorted(config_schema().get("required", []))


def test_every_object_of_the_schema_is_closed() -> None:
    def opened(schema: Any, at: str) -> list[str]:
        if isinstance(schema, list):
            return [found for number, one in enumerate(schema) for found in opened(one, f"{at}[{number}]")]
        if not isinstance(schema, dict):
            return []
        here = [at] if schema.get("type") == "object" and "additionalProperties" not in schema else []
        return here + [found for name, one in schema.items() for found in opened(one, f"{at}.{name}")]

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert opened(schema, "") == [".properties.global"]  # Helm's own


def test_every_default_is_in_the_schema_and_in_the_readme() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(values) == set(schema["properties"]) - {"global"}
    done = _table(CHART / "values.yaml")
    assert done in (CHART / "README.md").read_text(), "python tools/chart_values.py deploy/chart/values.yaml writes it"


def _table(values: Path) -> str:
    names: dict[str, Any] = {"__name__": "chart_values"}
    exec(compile((ROOT / "tools/chart_values.py").read_text(), "chart_values.py", "exec"), names)  # noqa: S102 - a script
    text: str = names["table"](values.read_text())
    return text


def test_values_of_environments_hold_differences_only() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())

    def same(default: Any, value: Any, at: str) -> list[str]:
        if isinstance(default, dict) and isinstance(value, dict):
            return [
                found for name in value if name in default for found in same(default[name], value[name], f"{at}.{name}")
            ]
        return [at] if default == value else []

    for path in environments():
        assert same(defaults, yaml.safe_load(path.read_text()), path.stem) == []


def test_merging_is_helms() -> None:
    assert merged({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}}
