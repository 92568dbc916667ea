"""What must be true of a release as a whole. Each rule gives a sentence for each breach."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from tests.support.manifests import Manifest, Manifests, selects, workloads
from tests.support.pod_rules import POD_RULES

SELECTING = ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet", "PodMonitor")


def breaches(manifests: Manifests) -> list[str]:
    """Give every breach of every rule."""
    return [f"{name}: {breach}" for name, rule in RULES.items() for breach in rule(manifests)]


def _network_is_closed(manifests: Manifests) -> Iterator[str]:
    policies = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    for name, one, _ in workloads(manifests):
        labels = one["spec"]["template"]["metadata"]["labels"]
        mine = [policy["spec"] for policy in policies if selects(policy["spec"]["podSelector"], labels)]
        closed = [
            spec
            for spec in mine
            if not spec.get("ingress") and not spec.get("egress") and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        ]
        if not closed:
            yield f"{name} is not denied everything by default"
        if one["kind"] != "StatefulSet" and not any(spec.get("egress") for spec in mine):
            yield f"{name} reaches nothing, not even DNS"
    for policy in policies:
        yield from _open_rules(policy)


def _open_rules(policy: Manifest) -> Iterator[str]:
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(way) or ():
            where = f"NetworkPolicy {policy['metadata']['name']}, {way}"
            if not rule.get(peers) or not rule.get("ports"):
                yield f"{where}: a rule without {peers} or ports is open"
            for peer in rule.get(peers) or ():
                if peer.get("ipBlock", {}).get("cidr", "").endswith("/0"):
                    yield f"{where}: everything is no name"
                if not peer or peer.get("namespaceSelector") == {} or peer.get("podSelector") == {}:
                    yield f"{where}: everybody is no name"


def _names_are_good(manifests: Manifests) -> Iterator[str]:
    counted = Counter((one["kind"], one["metadata"]["name"]) for one in manifests)
    for (kind, name), times in counted.items():
        if times > 1:
            yield f"{kind} {name} is there {times} times"
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name):
            yield f"{kind} {name} has no name for a Service or a label"
    for one in manifests:
        if one["metadata"].get("namespace") != "agents":
            yield f"{one['kind']} {one['metadata']['name']} is in no namespace of its own"
        if "app.kubernetes.io/instance" not in one["metadata"].get("labels", {}):
            yield f"{one['kind']} {one['metadata']['name']} cannot be told to be of this release"


def _only_the_proxy_is_reached(manifests: Manifests) -> Iterator[str]:
    for one in manifests:
        if one["kind"] == "Service" and one["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"Service {one['metadata']['name']} is reached from outside"
        if one["kind"] == "Ingress":
            if not all(name.endswith("-oauth2-proxy") for name in _backends(one["spec"])):
                yield f"Ingress {one['metadata']['name']} leads past the proxy"
            if not one["spec"].get("tls"):
                yield f"Ingress {one['metadata']['name']} is not encrypted"


def _references_lead_somewhere(manifests: Manifests) -> Iterator[str]:
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    pods = [one["spec"]["template"]["metadata"]["labels"] for _, one, _ in workloads(manifests)]
    for name, _, spec in workloads(manifests):
        if ("ServiceAccount", spec["serviceAccountName"]) not in there:
            yield f"{name} runs as nobody that is there"
    for one in manifests:
        name = f"{one['kind']} {one['metadata']['name']}"
        for target in _targets(one["kind"], one.get("spec", {})):
            if target not in there:
                yield f"{name} wants the {' '.join(target)}, which is not there"
        selector = one.get("spec", {}).get("selector", {})
        selector = {"matchLabels": selector} if one["kind"] == "Service" else selector
        if one["kind"] in SELECTING and not any(selects(selector, labels) for labels in pods):
            yield f"{name} selects no pod"


def _targets(kind: str, spec: Manifest) -> Iterator[tuple[str, str]]:
    """Give the kind and name of what an object of the release names."""
    if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        yield "Deployment", spec["scaleTargetRef"]["name"]
    for trigger in spec.get("triggers", ()):
        if "authenticationRef" in trigger:
            yield "TriggerAuthentication", trigger["authenticationRef"]["name"]
    if kind == "Ingress":
        for backend in _backends(spec):
            yield "Service", backend
    if kind == "ExternalSecret" and spec["secretStoreRef"]["kind"] == "SecretStore":
        yield "SecretStore", spec["secretStoreRef"]["name"]
    if kind == "ScheduledBackup":
        yield "Cluster", spec["cluster"]["name"]
    for plugin in spec.get("plugins", ()):
        yield "ObjectStore", plugin["parameters"]["barmanObjectName"]


def _backends(spec: Manifest) -> list[str]:
    return [path["backend"]["service"]["name"] for rule in spec["rules"] for path in rule["http"]["paths"]]


RULES: Mapping[str, Callable[[Manifests], Iterator[str]]] = {
    **POD_RULES,
    "closed network": _network_is_closed,
    "references": _references_lead_somewhere,
    "names": _names_are_good,
    "only the proxy": _only_the_proxy_is_reached,
}
