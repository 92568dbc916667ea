"""What must be true of every pod, whatever the values were. Each rule gives a sentence for each breach."""

import re
from collections.abc import Callable, Iterator, Mapping

from tests.support.manifests import Manifests, containers, kubesec_score, selects, workloads

ORDER = ("startupProbe", "livenessProbe", "readinessProbe")
LEAST_GRACE = 10


def _restricted(manifests: Manifests) -> Iterator[str]:
    """Pod Security "restricted": kubernetes.io/docs/concepts/security/pod-security-standards."""
    for name, _, spec in workloads(manifests):
        for field in ("hostNetwork", "hostPID", "hostIPC", "hostAliases"):
            if spec.get(field):
                yield f"{name} has {field}"
        for volume in spec.get("volumes", ()):
            if not set(volume) - {"name"} <= {"emptyDir", "secret", "configMap", "projected", "persistentVolumeClaim"}:
                yield f"{name} has a volume that is not allowed: {volume['name']}"
        for one in containers(spec):
            context = one.get("securityContext", {})
            expected = {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }
            for field, value in expected.items():
                if context.get(field) != value:
                    yield f"{name}, container {one['name']}: {field} is {context.get(field)}, not {value}"


def _no_secret_in_environment(manifests: Manifests) -> Iterator[str]:
    for name, _, spec in workloads(manifests):
        for one in containers(spec):
            if one.get("envFrom"):
                yield f"{name} takes its environment from elsewhere"
            for variable in one.get("env", ()):
                if "valueFrom" in variable:
                    yield f"{name}: {variable['name']} comes from elsewhere"
                elif re.search(r"://[^/@\s]*:[^/@\s]+@", variable["value"]):
                    yield f"{name}: {variable['name']} holds a password"
    for one in manifests:
        if one["kind"] == "Secret":
            yield f"the Secret {one['metadata']['name']} is rendered, so its content is in the release"


def _images_by_digest(manifests: Manifests) -> Iterator[str]:
    for name, _, spec in workloads(manifests):
        for one in containers(spec):
            if not re.search(r"@sha256:[0-9a-f]{64}$", one["image"]):
                yield f"{name}: {one['image']} can be moved"
    for one in manifests:
        if one["kind"] == "Cluster" and not re.search(r":[^/@]+@sha256:[0-9a-f]{64}$", one["spec"]["imageName"]):
            yield f"Cluster {one['metadata']['name']}: {one['spec']['imageName']} can be moved, or says no version"


def _probes_differ(manifests: Manifests) -> Iterator[str]:
    for name, one, spec in workloads(manifests):
        if one["kind"] == "Job":
            continue
        for container in containers(spec):
            probes = [container.get(probe) for probe in ORDER]
            if None in probes:
                yield f"{name} lacks a probe"
            elif len({repr(probe) for probe in probes}) != len(ORDER):
                yield f"{name}: two probes are the same"
            elif container["livenessProbe"].get("httpGet", {}).get("path", "").endswith("ready"):
                yield f"{name} would be killed for what it depends on"


def _time_to_end(manifests: Manifests) -> Iterator[str]:
    """A pod is not killed before its pre-stop pause is over and what is under way had its time."""
    for name, one, spec in workloads(manifests):
        grace = spec.get("terminationGracePeriodSeconds", 0)
        pause = sum(
            item.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0) for item in containers(spec)
        )
        environment = {item["name"]: item["value"] for item in containers(spec)[0].get("env", ())}
        drain = float(environment.get("CHASSIS__RUNS__DRAIN_SECONDS", 20))
        component = one["metadata"]["labels"]["app.kubernetes.io/component"]
        if component in ("api", "worker", "keeper", "oauth2-proxy") and not pause:
            yield f"{name} ends while requests still come"
        needed = drain if component == "worker" else 20 if component == "api" else LEAST_GRACE
        if grace <= pause + needed:
            yield f"{name} is killed after {grace} s, and needs {pause} + {needed}"


def _replicas_survive_a_node(manifests: Manifests) -> Iterator[str]:
    budgets = [one["spec"]["selector"] for one in manifests if one["kind"] == "PodDisruptionBudget"]
    for name, one, spec in workloads(manifests):
        if one["kind"] != "Deployment":
            continue
        labels = one["spec"]["template"]["metadata"]["labels"]
        if not any(selects(selector, labels) for selector in budgets):
            yield f"{name} has no PodDisruptionBudget"
        keys = {item["topologyKey"] for item in spec.get("topologySpreadConstraints", ())}
        if keys != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
            yield f"{name} is not spread over zones and nodes"


def _hardened_to_the_maximum(manifests: Manifests) -> Iterator[str]:
    """What older nodes cannot do is switched off for all pods at once, and costs its points."""
    for name, one, spec in workloads(manifests):
        loosened = 3 * ("appArmorProfile" not in spec["securityContext"]) + (spec.get("hostUsers") is not False)
        best = (21 if one["kind"] == "StatefulSet" else 19) - loosened
        score = kubesec_score(one["kind"], spec, one["spec"].get("volumeClaimTemplates", []))
        if score != best:
            yield f"{name} has {score} of kubesec's {best} points"


POD_RULES: Mapping[str, Callable[[Manifests], Iterator[str]]] = {
    "restricted": _restricted,
    "no secret in the environment": _no_secret_in_environment,
    "images by digest": _images_by_digest,
    "probes differ": _probes_differ,
    "time to end": _time_to_end,
    "a node goes away": _replicas_survive_a_node,
    "kubesec": _hardened_to_the_maximum,
}
