"""What a cluster would not understand of a document."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import all_versions, schema_contents  # type: ignore[import-untyped]

from tests.chart import crds

BUILT_IN = ("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1")
OLDEST = "1.30"
_KNOWN = tuple(dict.fromkeys(all_versions()))
VERSIONS = _KNOWN[next(n for n, v in enumerate(_KNOWN) if v.startswith(OLDEST)) :]
"""Those of Kubernetes from the oldest that the chart takes to the newest whose schemas are there."""
INSIDE = "#/$defs/"


def faults(manifest: dict[str, Any], versions: tuple[str, ...] = VERSIONS) -> Iterator[str]:
    """Hold it against the strict schemas of Kubernetes, or of the operator whose kind it is."""
    if manifest["apiVersion"] not in BUILT_IN:
        yield from crds.problems(manifest)
        return
    for version, validator in _validators(versions, manifest["apiVersion"], manifest["kind"]):
        for error in validator.iter_errors(manifest):
            yield f"{manifest['kind']} {manifest['metadata']['name']}, Kubernetes {version}: {error.message}"


@cache
def _validators(versions: tuple[str, ...], api_version: str, kind: str) -> tuple[tuple[str, Draft202012Validator], ...]:
    """Give a validator for each distinct schema of a kind, with the versions that have it.

    Where versions differ in nothing but descriptions, a document is held against one schema for all of them.
    """
    named: dict[str, list[str]] = {}
    for version in versions:
        named.setdefault(json.dumps(whole(version, api_version, kind), sort_keys=True), []).append(version)
    return tuple((", ".join(found), Draft202012Validator(json.loads(text))) for text, found in named.items())


def whole(version: str, api_version: str, kind: str) -> dict[str, Any]:
    """Give a kind's strict schema with the definitions that it leads to, without what is said in words."""
    group, _, number = api_version.rpartition("/")
    name = "-".join([kind.lower(), *([group.partition(".")[0]] if group else []), number])
    definitions = _file(version, "_definitions")["$defs"]
    schema = _plain(_file(version, name))
    found: dict[str, Any] = {}
    wanted = set(_references(schema))
    while wanted:
        found |= {one: _plain(definitions[one]) for one in wanted}
        wanted = {one for definition in found.values() for one in _references(definition)} - set(found)
    return {**schema, "$defs": found}


@cache
def _file(version: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema_contents(f"kubernetes-json-schema/v{version}-local-strict/{name}.json", version)
    return found


def _plain(schema: Any) -> Any:
    """Leave out descriptions and the file's own address, and have references lead into the same document."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: value for name, value in schema.items() if not (name in ("description", "$id") and isinstance(value, str))
    }
    return {
        name: f"{INSIDE}{value.rpartition('/')[2]}" if name == "$ref" and isinstance(value, str) else _plain(value)
        for name, value in kept.items()
    }


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _references(one)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            if name == "$ref" and isinstance(value, str):
                yield value.removeprefix(INSIDE)
            else:
                yield from _references(value)
