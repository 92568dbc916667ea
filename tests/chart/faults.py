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
Schema = dict[str, Any]
WORDS = ("description", "$id", "$schema")


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


def whole(version: str, api_version: str, kind: str) -> Schema:
    """Give a kind's strict schema as one piece: what it refers to in its place, without what is said in words.

    jsonschema spends most of its time on following references.
    """
    group, _, number = api_version.rpartition("/")
    name = "-".join([kind.lower(), *([group.partition(".")[0]] if group else []), number])
    found: Schema = _in_place(_file(version, name), _file(version, "_definitions")["$defs"], {})
    return found


def _in_place(schema: Any, definitions: Schema, known: Schema) -> Any:
    """Put definitions in place of references to them, each made once; a schema that contains itself has no end."""
    if isinstance(schema, list):
        return [_in_place(one, definitions, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        beside = {name for name in schema if not _is_said(name, schema[name])}
        assert beside <= {"$ref", "default"}, schema
        name = schema["$ref"].rpartition("/")[2]
        if name not in known:
            known[name] = _in_place(definitions[name], definitions, known)
        return known[name]
    return {name: _in_place(value, definitions, known) for name, value in schema.items() if not _is_said(name, value)}


def _is_said(name: str, value: Any) -> bool:
    """Tell whether a keyword refuses nothing: words, and hints to programs that apply changes."""
    return name.startswith("x-kubernetes-") or (name in WORDS and isinstance(value, str))


@cache
def _file(version: str, name: str) -> Schema:
    found: Schema = schema_contents(f"kubernetes-json-schema/v{version}-local-strict/{name}.json", version)
    return found
