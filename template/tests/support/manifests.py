"""What a test reads in manifests, and how kubesec counts."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

Manifest = dict[str, Any]
Manifests = list[Manifest]

WORKLOADS = ("Deployment", "StatefulSet", "Job")
HIGH = 10_000
"""Above it a user of a container is no user of its node: kubesec, RunAsUser."""


def workloads(manifests: Manifests) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Give each workload as a name, the object and its pod's spec."""
    for one in manifests:
        if one["kind"] in WORKLOADS:
            yield f"{one['kind']} {one['metadata']['name']}", one, one["spec"]["template"]["spec"]


def containers(spec: Manifest) -> list[Manifest]:
    """Give every container of a pod."""
    return [*spec.get("containers", ()), *spec.get("initContainers", ()), *spec.get("ephemeralContainers", ())]


def kubesec_score(kind: str, spec: Manifest, claims: list[Manifest]) -> int:
    """Count as kubesec 2.14 does for a pod: pkg/ruler/ruleset.go of controlplaneio/kubesec, rules with points above 0.

    Its greatest sum is 19 for a Deployment, and 21 for a StatefulSet with claims.
    """
    pod = spec.get("securityContext", {})
    each = containers(spec)

    def everywhere(holds: Callable[[Manifest], object]) -> bool:
        return bool(each) and all(holds(one) for one in each)

    def own(one: Manifest, name: str) -> Any:
        return one.get("securityContext", {}).get(name, pod.get(name))

    def amount(one: Manifest, of: str, name: str) -> Any:
        return one.get("resources", {}).get(of, {}).get(name)

    points = [
        everywhere(lambda one: one["securityContext"].get("readOnlyRootFilesystem") is True),
        everywhere(lambda one: own(one, "runAsNonRoot") is True),
        everywhere(lambda one: (own(one, "runAsUser") or 0) > HIGH),
        everywhere(lambda one: (own(one, "runAsGroup") or 0) > HIGH),
        everywhere(lambda one: one["securityContext"].get("capabilities", {}).get("drop")),
        everywhere(lambda one: "ALL" in one["securityContext"].get("capabilities", {}).get("drop", ())),
        *(everywhere(partial(amount, of=of, name=name)) for of in ("requests", "limits") for name in ("cpu", "memory")),
        everywhere(lambda one: (own(one, "seccompProfile") or {}).get("type") in ("RuntimeDefault", "Localhost")),
        spec.get("automountServiceAccountToken") is False,
        spec.get("hostUsers") is False,
    ]
    threefold = [bool(spec.get("serviceAccountName")), "type" in pod.get("appArmorProfile", {})]
    claimed = [
        kind == "StatefulSet" and all("ReadWriteOnce" in one["spec"]["accessModes"] for one in claims),
        kind == "StatefulSet" and all(one["spec"]["resources"]["requests"]["storage"] for one in claims),
    ]
    return sum(points) + 3 * sum(threefold) + sum(claimed)


def selects(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector means a pod with these labels."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(
        labels.get(one["key"]) in one["values"]
        for one in selector.get("matchExpressions", ())
        if one["operator"] == "In"
    )
