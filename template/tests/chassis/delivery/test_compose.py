"""compose.yaml: what the settings lead to is there, what is mounted is there, and nothing but loopback can reach it."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import selected
from chassis.settings import PREFIX, Settings
from chassis.settings_loader import load_settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if "build" in service}
PROCESSES = {"migrate": ["migrate"], "seed": ["seed"], "api": ["serve"], "worker": ["work"]}
PROMETHEUS = ROOT / "deploy/compose/prometheus.yml"
GRAFANA = ROOT / "deploy/compose/grafana"


@pytest.mark.parametrize("name", [*PROCESSES, "keeper"])
def test_the_settings_of_each_process_are_valid(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment: dict[str, str] = OWN[name]["environment"]
    for inherited in [key for key in os.environ if key.startswith(PREFIX)]:
        monkeypatch.delenv(inherited)
    (tmp_path / "secret-id").write_text("made by vault_setup.py")
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value).replace("/run/vault", str(tmp_path)))
    settings: Settings = load_settings()
    assert settings.environment == "development"
    assert {key for key in environment if key.startswith("CHASSIS_")} == {
        key for key in environment if key.startswith(PREFIX)
    }


@pytest.mark.parametrize("name", sorted(OWN))
def test_what_is_ours_runs_as_in_production(name: str) -> None:
    assert OWN[name]["read_only"] is True
    assert OWN[name]["cap_drop"] == ["ALL"]
    assert OWN[name]["security_opt"] == ["no-new-privileges:true"]
    assert OWN[name].get("privileged") is None
    assert OWN[name].get("user") in ({None, "0:0"} if name == "vault-setup" else {None})


def test_each_process_is_there() -> None:
    for name, command in PROCESSES.items():
        assert SERVICES[name]["command"] == command
    assert (
        SERVICES["keeper"]["command"] == ["audit", "keep"] or SERVICES["keeper"]["entrypoint"][-1] == "chassis.dev.keep"
    )


def test_hosts_of_the_settings_are_services() -> None:
    environment: dict[str, str] = SERVICES["api"]["environment"]
    urls = [str(value) for value in environment.values() if "://" in str(value) and ".invalid" not in str(value)]
    hosts = {url.partition("://")[2].rpartition("@")[2].partition("/")[0].partition(":")[0] for url in urls}
    hosts |= {str(value).partition(":")[0] for key, value in environment.items() if key.endswith("__EMULATOR")}
    assert "postgres" in hosts
    assert hosts <= set(SERVICES)


def test_a_chosen_backend_is_there_and_no_other() -> None:
    queue = selected.DEV_QUEUE.split(":")[0].rpartition(".")[2]
    state = selected.DEV_STATE_STORE.split(":")[0].rpartition(".")[2]
    secrets = selected.DEV_SECRET_BACKEND.split(":")[0].rpartition(".")[2]
    assert ("queue" in SERVICES) == (queue != "database")
    assert ("state" in SERVICES) == (state == "redis")
    assert ("vault" in SERVICES) == (secrets == "vault")
    kinds = {"redis": "/valkey:", "rabbitmq": "/rabbitmq:", "sqs": "/moto:"}
    if queue in kinds:
        assert kinds[queue] in SERVICES["queue"]["image"]


def test_nothing_but_loopback_can_reach_it() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "network_mode" not in service


def test_what_is_mounted_is_there_and_read_only() -> None:
    volumes = set(COMPOSE["volumes"])
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            if source.startswith("./"):
                assert (ROOT / source).exists(), (name, source)
                assert rest.endswith(":ro"), (name, mount)
            else:
                assert source in volumes, (name, source)


def test_what_a_service_waits_for_is_there() -> None:
    for service in SERVICES.values():
        for name, wanted in (service.get("depends_on") or {}).items():
            assert name in SERVICES
            if wanted["condition"] == "service_healthy":
                assert "test" in SERVICES[name]["healthcheck"]


def test_prometheus_asks_processes_that_are_there() -> None:
    [job] = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    targets = [target for group in job["static_configs"] for target in group["targets"]]
    assert {target.partition(":")[0] for target in targets} == {"api", "worker"}
    assert {target.partition(":")[2] for target in targets} == {"9464"}


def test_prometheus_has_the_rules_of_the_chart() -> None:
    [wanted] = yaml.safe_load(PROMETHEUS.read_text())["rule_files"]
    mounted = {
        rest.split(":")[0]: source
        for source, _, rest in (one.partition(":") for one in SERVICES["prometheus"]["volumes"])
    }
    inside, _, pattern = wanted.rpartition("/")
    assert sorted((ROOT / mounted[inside]).glob(pattern)) == sorted((ROOT / "deploy/chart/rules").iterdir()) != []


def test_grafana_asks_servers_that_are_there_and_shows_what_is_mounted() -> None:
    sources = yaml.safe_load((GRAFANA / "datasources/datasources.yaml").read_text())["datasources"]
    hosts = {source["url"].partition("://")[2].partition(":")[0] for source in sources}
    assert hosts == {"prometheus", "jaeger"} <= set(SERVICES)
    [provider] = yaml.safe_load((GRAFANA / "dashboards/dashboards.yaml").read_text())["providers"]
    mounts = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert any(provider["options"]["path"].startswith(mount) for mount in mounts)
