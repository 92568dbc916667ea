"""What a cluster would not understand of a document."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import all_versions, schema_contents  # type: ignore[import-untyped]
from referencing import Registry, Resource

from tests.chart import crds

BUILT_IN = ("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1")
OLDEST = "1.30"
VERSIONS = tuple(all_versions()[next(n for n, v in enumerate(all_versions()) if v.startswith(OLDEST)) :])
"""Those of Kubernetes from the oldest that the chart takes to the newest whose schemas are there."""


def faults(manifest: dict[str, Any], versions: tuple[str, ...] = VERSIONS) -> Iterator[str]:
    """Hold it against the strict schemas of Kubernetes, or of the operator whose kind it is."""
    if manifest["apiVersion"] not in BUILT_IN:
        yield from crds.problems(manifest)
        return
    for version in versions:
        for error in _validator(version, manifest["apiVersion"], manifest["kind"]).iter_errors(manifest):
            yield f"{manifest['kind']} {manifest['metadata']['name']}, Kubernetes {version}: {error.message}"


@cache
def _validator(version: str, api_version: str, kind: str) -> Draft202012Validator:
    """Read a schema once, which `kubernetes_validate.validate` does for every document."""
    group, _, number = api_version.rpartition("/")
    name = "-".join([kind.lower(), *([group.partition(".")[0]] if group else []), number])
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    schema = schema_contents(f"{folder}/{name}.json", version)
    definitions = Resource.from_contents(schema_contents(f"{folder}/_definitions.json", version))
    registry: Registry[Any] = definitions @ (Resource.from_contents(schema) @ Registry())
    return Draft202012Validator(schema, registry=registry)
