"""Sets of values that a combination's chart is tried with: each turns something on, off or up, over production's example."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.decision_tree import Answers

Values = dict[str, Any]

DIGEST = f"sha256:{'0' * 64}"
"""Of no image; the shape is what counts here."""
RANGE = {"to": [{"cidr": "10.0.9.0/24"}]}
POSTGRES = {
    "config": {"database": None},
    "migrate": {"database": None},
    "keeper": {"database": None},
    "database": {"mode": "cloudnative_pg"},
    "network_policy": {"egress": {"kubernetes_api": RANGE, "postgres": {"to": []}}},
}
PROXY = {
    "oauth2_proxy": {
        "enabled": True,
        "image": {"digest": DIGEST},
        "issuer_url": "https://login.example.com/tenant",
        "client_id": "my-agent",
        "email_domains": ["example.com"],
    },
    "network_policy": {"egress": {"oidc": RANGE}},
}
BACKUP = {
    "database": {"cloudnative_pg": {"backup": {"enabled": True, "destination": "s3://backups/production"}}},
    "network_policy": {"egress": {"backup": RANGE}},
}
RECOVERY = {
    "database": {
        "cloudnative_pg": {
            "backup": {"server_name": "second"},
            "recover": {"enabled": True, "server_name": "first", "target_time": "2026-11-26 08:00:00+00"},
        }
    }
}


def cases(answers: Answers) -> Iterator[tuple[str, Values]]:
    """Give each set with its name; what only some choices have is tried where they have it."""
    secrets = _external_secrets(answers)
    yield "production", {}
    yield "monitored", {"monitoring": {"enabled": True, "labels": {"release": "prometheus"}}}
    yield "without KEDA", {"worker": {"keda": {"enabled": False}, "max_replicas": 3}}
    yield "behind the proxy", PROXY
    yield "with an ingress", merged(PROXY, _ingress())
    yield "the database inside", POSTGRES
    yield "with backups", merged(POSTGRES, BACKUP)
    yield "recovered", merged(POSTGRES, BACKUP, RECOVERY)
    yield "secrets copied", merged(secrets, PROXY)
    yield "secrets copied, the database inside", merged(secrets, PROXY, POSTGRES)
    yield "older nodes", {"pod_security": {"app_armor": False, "user_namespaces": False}}
    yield "large", _large()
    yield "with callers and tools", _neighbours()
    yield "a model", _model()
    yield "traces sent", _traces(answers)
    if "redis" in (answers["queue"], answers["state_store"]):
        valkey = _valkey(answers)
        yield "Valkey inside", valkey
        yield "everything", merged(valkey, POSTGRES, BACKUP, PROXY, _ingress(), secrets, _identity(answers), _large())
    else:
        yield "everything", merged(POSTGRES, BACKUP, PROXY, _ingress(), secrets, _identity(answers), _large())
    if answers["cloud"] != "none":
        yield "as somebody", merged(POSTGRES, BACKUP, _identity(answers))
    if "vault" in answers.values():
        yield "Vault by jwt", merged({"config": {"secrets": {"auth": "jwt", "auth_mount": "cluster"}}}, secrets, PROXY)


def merged(*many: Mapping[str, Any]) -> Values:
    """Merge as Helm does: maps deeply, everything else by replacing it. None takes away, as somebody would in their file."""
    found: Values = {}
    for one in many:
        for name, value in one.items():
            if value is None:
                found[name] = None
            elif isinstance(value, dict):
                found[name] = merged(found.get(name) or {}, value)
            else:
                found[name] = value
    return found


def without_nothing(values: Values) -> Values:
    """Leave out what was taken away."""
    return {
        name: without_nothing(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def _ingress() -> Values:
    annotations = {"cert-manager.io/cluster-issuer": "letsencrypt"}
    ingress = {"enabled": True, "host": "agent.example.com", "tls_secret": "agent-tls", "class": "nginx"}
    return {"ingress": {**ingress, "annotations": annotations}, "monitoring": {"enabled": True}}


def _external_secrets(answers: Answers) -> Values:
    store = {"store": {"name": "platform", "prefix": "agent/"}} if "env" in answers.values() else {}
    return {"external_secrets": {"enabled": True, "refresh": "1h", **store}}


def _large() -> Values:
    return {
        "config": {
            "service": {"name": "tickets", "log_level": "warning"},
            "http": {"port": 8080, "max_body_bytes": 100_000_000},
            "runs": {"concurrency": 250, "drain_seconds": 1800.5, "log_bytes": 16_000_000_000},
        },
        "api": {"min_replicas": 5, "max_replicas": 100, "cpu_percent": 50, "pre_stop_seconds": 60},
        "worker": {"min_replicas": 2, "max_replicas": 400, "keda": {"polling_seconds": 2, "cooldown_seconds": 3600}},
        "priority_class": "important",
    }


def _neighbours() -> Values:
    pods = {"namespace": "frontend", "pods": {"app.kubernetes.io/name": "web"}}
    tools = {"crm": {"to": [{"cidr": "10.0.7.0/28"}, {"cidr": "fd00:1::/64"}], "ports": [443]}, "search": _search()}
    return {"network_policy": {"callers": [pods, {"cidr": "10.1.0.0/16"}], "agent_egress": tools}}


def _search() -> Values:
    return {"to": [{"namespace": "search"}], "ports": [9200]}


def _model() -> Values:
    model = {"provider": "openai_compatible", "name": "large", "base_url": "https://model.internal/v1"}
    return {
        "config": {"model": {**model, "api_key": "secret://model_api_key"}, "environment": "test"},
        "network_policy": {"egress": {"model": RANGE, "telemetry": RANGE}},
    }


def _traces(answers: Answers) -> Values:
    token = {"token": "secret://telemetry_token"}
    known: dict[str, Values] = {
        "otlp": {"url": "http://collector.monitoring:4318"},
        "jaeger": {"url": "http://jaeger.monitoring:4318"},
        "honeycomb": {"url": "https://api.eu1.honeycomb.io", **token},
        "datadog": {"url": "https://otlp.datadoghq.eu", **token},
        "azure_monitor": {
            "url": "https://traces-1a2b.westeurope-1.ingest.monitor.azure.com",
            "rule_id": "dcr-0123456789abcdef0123456789abcdef",
        },
        "cloudwatch": {"url": "https://xray.eu-central-1.amazonaws.com"},
        "google_cloud": {"url": "https://telemetry.googleapis.com", "project": "my-project"},
    }
    config = {"telemetry_backend": known[str(answers["telemetry_backend"])], "environment": "test"}
    return {"config": config, "network_policy": {"egress": {"telemetry": RANGE}}}


def _valkey(answers: Answers) -> Values:
    away = {name: None for name in ("queue", "state_store") if answers[name] == "redis"}
    return {"config": away, "valkey": {"enabled": True, "image": {"digest": DIGEST}, "storage": {"class": "fast"}}}


def _identity(answers: Answers) -> Values:
    role, account = "arn:aws:iam::123456789012:role/other", "other@my-project.iam.gserviceaccount.com"
    client = "11111111-0000-4000-8000-000000000000"
    known = {
        "azure": {"client_id": client, "backup_client_id": client},
        "aws": {"role_arn": role, "scaler_role_arn": role, "backup_role_arn": role},
        "gcp": {"service_account": account, "backup_service_account": account},
    }
    cloud = str(answers["cloud"])
    return {"workload_identity": known[cloud]} if cloud in known else {}
