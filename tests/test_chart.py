"""The chart of every combination: described by its own settings, rendered by Helm, valid, hardened."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import documents, settings
from tests.chart.cases import cases
from tests.chart.charts import CHART, Charts, relevant
from tests.chart.everything import Proof
from tests.chart.faults import VERSIONS, faults
from tests.chart.helm import PACKAGES, helm, template
from tests.chart.shared import breaches, refusals
from tests.render import Plan


@pytest.fixture(scope="session")
def charts(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Charts:
    return Charts(plan, tmp_path_factory.mktemp("charts"))


def manifests(major: int, chart: Path, values: Path) -> list[dict[str, Any]]:
    done = template(major, chart, values)
    assert done.code == 0, done.errors
    return [one for one in yaml.load_all(done.output, yaml.CSafeLoader) if one]


def test_the_pieces_of_the_schema_are_the_settings() -> None:
    found = {path.name: path.read_text().rstrip("\n") for path in settings.PIECES.iterdir()}
    assert found == settings.written(), "python -m tests.chart.settings writes them anew"


def test_the_rows_of_the_readme_are_the_values() -> None:
    found = {path.name: path.read_text() for path in documents.PIECES.glob("*.md")}
    assert found == documents.written(), "python -m tests.chart.documents writes them anew"


def test_every_combination_has_its_own_settings(plan: Plan) -> None:
    """Put together from the pieces as pydantic gives them, which the test above compares."""
    groups = settings.groups()
    common = {name for name in groups if "-" not in name}
    for answers in relevant(plan):
        schema = json.loads(plan.render(answers)[f"{CHART}values.schema.json"].content)
        chosen = {
            "queue": answers["queue"],
            "state_store": answers["state_store"],
            "secrets": answers["secret_backend"],
            "audit_sink": answers["audit_sink"],
            "telemetry_backend": answers["telemetry_backend"],
        }
        expected = {name: groups[name] for name in common} | {
            name: groups[f"{name}-{choice}"] for name, choice in chosen.items()
        }
        config = schema["properties"]["config"]
        assert config["properties"] == expected
        assert sorted(config["required"]) == sorted(name for name, one in expected.items() if one.get("required"))


def test_values_schema_and_readme_of_every_combination_agree(plan: Plan) -> None:
    for answers in relevant(plan):
        files = plan.render(answers)
        text = files[f"{CHART}values.yaml"].content.decode()
        values = yaml.safe_load(text)
        schema = json.loads(files[f"{CHART}values.schema.json"].content)
        assert set(values) == set(schema["properties"]) - {"global"}
        egress = schema["properties"]["network_policy"]["properties"]["egress"]["properties"]
        assert set(values["network_policy"]["egress"]) == set(egress)
        assert documents.table(text) in files[f"{CHART}README.md"].content.decode()


def test_charts_are_rendered_and_valid(charts: Charts, plan: Plan) -> None:
    """A sample; every combination and every set of values is tried by the slow tests."""
    for answers in plan.matrix.covering(["cloud", "secret_backend", "queue", "state_store"]):
        chart = charts.of(answers)
        for name, values in cases(answers):
            if name in ("production", "everything"):
                found = manifests(4, chart, charts.values(chart, values))
                said = plan.matrix.describe(answers)
                assert not breaches(found), (said, name)
                assert not [fault for one in found for fault in faults(one, VERSIONS[:1])], (said, name)


def test_schemas_that_say_the_same_are_one_and_others_are_not() -> None:
    """Resources of a whole pod came with Kubernetes 1.32; policies for the network changed in no field from 1.30 to 1.33."""
    pod = {"containers": [{"name": "a"}], "resources": {"limits": {"cpu": "1"}}}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "a"},
        "spec": {"pod": {}},
    }
    versions = ("1.30.0", "1.31.0", "1.32.0", "1.33.0")
    assert [text.partition(":")[0] for text in faults(deployment, versions)] == [
        f"Deployment a, Kubernetes {version}" for version in versions[:2]
    ]
    assert {text.partition(":")[0] for text in faults(policy, versions)} == {
        f"NetworkPolicy a, Kubernetes {', '.join(versions)}"
    }


@pytest.mark.parametrize("major", sorted(PACKAGES))
def test_helm_lints_the_default_chart(charts: Charts, plan: Plan, major: int) -> None:
    chart = charts.of(plan.matrix.complete({}))
    done = helm(major, "lint", "--strict", chart, "--values", charts.values(chart, {}))
    assert "0 chart(s) failed" in done.output + done.errors
    assert done.code == 0
    assert f"v{major}." in helm(major, "version").output


@pytest.mark.slow
@pytest.mark.parametrize("major", sorted(PACKAGES))
def test_wrong_values_are_refused_by_both_helms(charts: Charts, plan: Plan, major: int) -> None:
    chart = charts.of(plan.matrix.complete({}))
    assert len(refusals()) >= 20
    for name, (values, expected) in refusals().items():
        done = template(major, chart, charts.plain(chart, values))
        assert done.code != 0, name
        assert expected in done.errors, (name, done.errors)
        assert "nil pointer" not in done.errors, name
        assert len(done.errors) < 1500, name


@pytest.mark.slow
def test_full_every_chart_with_every_set_of_values(charts: Charts, plan: Plan, tmp_path: Path) -> None:
    proof = Proof(charts, plan, tmp_path / "documents")
    proof.run()
    print(proof.report())
    assert proof.least_sets >= 12
    assert not proof.problems
