"""What a cluster would not understand of a document."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]

from tests.chart import crds

BUILT_IN = ("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1")
OLDEST = "1.30"
VERSIONS = (OLDEST, kubernetes_validate.latest_version())


def faults(manifest: dict[str, Any], versions: tuple[str, ...] = VERSIONS) -> Iterator[str]:
    """Hold it against the schemas of Kubernetes, or of the operator whose kind it is."""
    if manifest["apiVersion"] not in BUILT_IN:
        yield from crds.problems(manifest)
        return
    for version in versions:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.InvalidSchemaError) as error:
            yield f"{manifest['kind']} {manifest['metadata']['name']}, Kubernetes {version}: {error}"
