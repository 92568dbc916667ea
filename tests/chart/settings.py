"""The JSON schema of each group of settings, read from the template's own Settings, as pieces of a chart's values.schema.json.

A choice's group is an SDK-free module, so each is read by itself: no combination is left out, and none needs its packages.
`python -m tests.chart.settings` writes the pieces anew.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "template/src"
PIECES = ROOT / "hooks/chart/settings"
# Group: the folder of its choices' settings modules, and the class in there.
CHOICES = {
    "queue": ("queue", "QueueSettings"),
    "state_store": ("checkpointer", "StateStoreSettings"),
    "secrets": ("secret_backend", "SecretSettings"),
    "audit_sink": ("audit_sink", "AuditSinkSettings"),
    "telemetry_backend": ("telemetry_backend", "TelemetryBackendSettings"),
}
INDENT = 8
"""How deep a group stands in values.schema.json."""


@contextmanager
def _template_modules() -> Iterator[None]:
    """Import the template's modules, and forget them again."""
    known = set(sys.modules)
    sys.path.insert(0, str(SOURCES))
    try:
        yield
    finally:
        sys.path.remove(str(SOURCES))
        for name in set(sys.modules) - known:
            if name.partition(".")[0] == "chassis":
                del sys.modules[name]


def groups() -> dict[str, Mapping[str, Any]]:
    """Give the schema of each piece: a group by its name, a choice's by group and choice."""
    models: dict[str, Any] = {}
    with _template_modules():
        chosen = ModuleType("chassis.selected")  # of which chassis.settings wants any choice
        for group, (folder, name) in CHOICES.items():
            for path in sorted((SOURCES / "chassis/adapters" / folder).glob("[!_]*_settings.py")):
                model = getattr(importlib.import_module(f"chassis.adapters.{folder}.{path.stem}"), name)
                models[f"{group}-{path.stem.removesuffix('_settings')}"] = model
                setattr(chosen, name, model)
        for module, name in (("identity.development", "IdentitySettings"), ("model.model", "ModelSettings")):
            setattr(chosen, name, getattr(importlib.import_module(f"chassis.adapters.{module}_settings"), name))
        sys.modules["chassis.selected"] = chosen
        schema = importlib.import_module("chassis.settings_schema")
        fields = importlib.import_module("chassis.settings").Settings.model_fields
        models |= {name: field.annotation for name, field in fields.items() if name not in CHOICES}
        environment = schema.environment_schema()
        del models["environment"]
        found = {name: schema.group_schema(name.partition("-")[0], model) for name, model in models.items()}
        found["environment"] = environment
    return found


def text(schema: Mapping[str, Any]) -> str:
    """Write a piece as it stands in the file: every line but the first as deep as its place."""
    lines = json.dumps(schema, indent=2, ensure_ascii=False).splitlines()
    return f"\n{' ' * INDENT}".join(lines)


def written() -> dict[str, str]:
    """Give what every file of the folder should hold."""
    pieces = groups()
    files = {f"{name}.json": text(schema) for name, schema in pieces.items()}
    common = [name for name in pieces if "-" not in name]
    lines = [f'"{name}": {{% include "hooks/chart/settings/{name}.json" %}}' for name in common]
    files["common.jinja"] = f",\n{' ' * INDENT}".join(lines)
    return files


if __name__ == "__main__":
    pieces = written()
    for old in PIECES.glob("*"):
        old.unlink()
    for name, content in pieces.items():
        (PIECES / name).write_text(content, encoding="utf-8")
    print(f"{len(pieces)} files written to {PIECES.relative_to(ROOT)}.")
