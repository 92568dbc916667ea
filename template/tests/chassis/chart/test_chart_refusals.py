"""What is wrong with values is said in a sentence, before anything reaches a cluster."""

from typing import Any

import pytest
from tests.support.helm import RefusedError, environments, rendered

PEER = {"cidr": "10.0.9.0/28"}
INSIDE = {"mode": "cloudnative_pg"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a setting that is not there": ({"config": {"runs": {"concurency": 5}}}, "concurency"),
    "a group that is not there": ({"config": {"rnus": {}}}, "rnus"),
    "a value that is not there": ({"workers": {}}, "workers"),
    "a text for a number": ({"config": {"runs": {"concurrency": "many"}}}, "concurrency"),
    "a number that is too large": ({"config": {"runs": {"concurrency": 100_000}}}, "concurrency"),
    "a level that is not there": ({"config": {"service": {"log_level": "loud"}}}, "log_level"),
    "an environment that is not there": ({"config": {"environment": "staging"}}, "environment"),
    "a secret in place of a reference": ({"config": {"model": {"api_key": "sk-123"}}}, "api_key"),
    "a password in a URL": (
        {"config": {"database": {"url": "postgresql://app:hunter2@db.internal/app"}}},
        "config.database.url holds a password: put it into the secret backend",
    ),
    "another kind of database": ({"config": {"database": {"url": "mysql://db.internal/app"}}}, "url"),
    "no login for migrations": ({"migrate": {"database": {"url": None}}}, "url"),
    "an image by its tag": ({"image": {"tag": "latest"}}, "tag"),
    "a database's image by its tag": ({"database": {"cloudnative_pg": {"image": "ghcr.io/a/postgresql:18"}}}, "image"),
    "half a digest": ({"image": {"digest": "sha256:0123"}}, "digest"),
    "no API at all": ({"api": {"min_replicas": 0}}, "min_replicas"),
    "fewest above most": ({"api": {"min_replicas": 11}}, "api.min_replicas is greater than api.max_replicas"),
    "fewest workers above most": (
        {"worker": {"min_replicas": 5, "max_replicas": 2}},
        "worker.min_replicas is greater than worker.max_replicas",
    ),
    "resources without memory": ({"api": {"resources": {"requests": {"memory": None}}}}, "memory"),
    "an amount of nothing": ({"worker": {"resources": {"limits": {"cpu": "lots"}}}}, "cpu"),
    "everything is reachable": (
        {"network_policy": {"egress": {"postgres": {"to": [{"cidr": "0.0.0.0/0"}]}}}},
        "cidr",
    ),
    "nothing is reachable": (
        {"network_policy": {"egress": {"postgres": {"to": []}}}},
        "network_policy.egress.postgres.to is empty: say where it is",
    ),
    "a name nobody knows": ({"network_policy": {"egress": {"internet": {"to": [PEER], "ports": [443]}}}}, "internet"),
    "a model nobody reaches": (
        {"config": {"model": {"provider": "openai_compatible", "base_url": "https://m/v1", "api_key": "secret://k"}}},
        "network_policy.egress.model.to is empty",
    ),
    "traces that nothing lets out": (
        {"config": {"telemetry_backend": {"url": "https://traces.example.com"}}},
        "network_policy.egress.telemetry.to is empty",
    ),
    "a port that is none": ({"network_policy": {"agent_egress": {"crm": {"to": [PEER], "ports": [0]}}}}, "ports"),
    "an ingress past the proxy": (
        {"ingress": {"enabled": True, "host": "a.example.com", "tls_secret": "tls"}},
        "ingress.enabled needs oauth2_proxy.enabled",
    ),
    "an ingress without TLS": ({"ingress": {"enabled": True, "host": "a.example.com", "tls": False}}, "tls"),
    "a host with a path": ({"ingress": {"host": "a.example.com/agent"}}, "host"),
    "an issuer without TLS": ({"oauth2_proxy": {"issuer_url": "http://login.example.com"}}, "issuer_url"),
    "another kind of mode": ({"database": {"mode": "sidecar"}}, "mode"),
    "two databases": ({"database": INSIDE}, "has no place beside database.mode cloudnative_pg"),
    "a backup of sometimes": ({"database": {"cloudnative_pg": {"backup": {"schedule": "daily"}}}}, "schedule"),
    "no namespace of that kind": ({"monitoring": {"namespace": "Monitoring!"}}, "namespace"),
    "alerts of sometimes": ({"monitoring": {"enabled": True, "rules": "some"}}, "rules"),
    "true as a text": ({"pod_security": {"app_armor": "yes"}}, "app_armor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_values_are_refused_in_a_sentence(name: str) -> None:
    changes, expected = REFUSED[name]
    [values, *_] = environments()
    with pytest.raises(RefusedError) as refused:
        rendered(values, changes)
    said = str(refused.value)
    assert expected in said
    assert "nil pointer" not in said
    assert len(said) < 1500
