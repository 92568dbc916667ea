"""The settings as JSON schema, for whoever writes values that are not Python: the chart, an editor.

What only Python can tell (a port that must go with a host, what production refuses) is told when the service starts.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, UrlConstraints
from pydantic.fields import FieldInfo

from chassis.settings import Settings
from chassis.settings_types import SettingsGroup

GIVEN_BY_THE_CHART = {("database", "url"), ("queue", "url"), ("state_store", "url")}
"""Required settings that the chart can know by itself; where it does not, it asks for them in a sentence."""


def config_schema() -> dict[str, Any]:
    """Give the schema of the whole tree, as `config` in the values of the chart."""
    properties: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsGroup):
            properties[name] = group_schema(name, field.annotation)
        else:
            properties[name] = environment_schema()
    required = [name for name, one in properties.items() if one.get("required")]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": properties,
    }


def environment_schema() -> dict[str, Any]:
    """Give the schema of the one setting that is in no group."""
    return _tidied(Settings.model_json_schema()["properties"]["environment"])


def group_schema(group: str, model: type[BaseModel]) -> dict[str, Any]:
    """Give the schema of one group: closed, and with nothing that stands for `not set`, since that is left out."""
    schema = model.model_json_schema()
    required = [name for name in schema.get("required", []) if not _given(group, name, schema)]
    return {
        "description": schema["description"].partition("\n")[0],
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {
            name: _tidied(_whole(one, schema)) | _schemes(model.model_fields[name])
            for name, one in schema["properties"].items()
        },
    }


def _whole(node: Any, root: Mapping[str, Any]) -> Any:
    """Put what is referred to in its place: a piece stands in another file than the definitions that it came with."""
    if isinstance(node, dict):
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            return _whole({**root["$defs"][name], **{key: one for key, one in node.items() if key != "$ref"}}, root)
        return {key: _whole(one, root) for key, one in node.items()}
    return [_whole(one, root) for one in node] if isinstance(node, list) else node


def _schemes(field: FieldInfo) -> dict[str, str]:
    """Say which schemes a URL may have, which pydantic's own schema leaves out."""
    found = [one for one in field.metadata if isinstance(one, UrlConstraints)]
    kinds = (field.annotation, *get_args(field.annotation))
    found += [kind._constraints for kind in kinds if hasattr(kind, "_constraints")]  # noqa: SLF001 - pydantic shows them nowhere
    schemes = next((one.allowed_schemes for one in found if one.allowed_schemes), None)
    return {"pattern": f"^({'|'.join(schemes)})://"} if schemes else {}


def _given(group: str, name: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether the chart can give a setting; of the queues it brings only one that speaks Redis."""
    scheme = str(schema["properties"][name].get("examples", ""))
    return (group, name) in GIVEN_BY_THE_CHART and (group == "database" or "redis://" in scheme)


def _tidied_model(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: _tidied(one) for name, one in schema.get("properties", {}).items()}
    return _tidied(schema) | ({"properties": properties} if properties else {})


def _tidied(schema: Mapping[str, Any]) -> dict[str, Any]:
    either = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(either) == 1:
        schema = {**{key: value for key, value in schema.items() if key != "anyOf"}, **either[0]}
    left_out = ("title", "default") if schema.get("default", "") is None else ("title",)
    found = {key: value for key, value in schema.items() if key not in left_out}
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _tidied_model(found["additionalProperties"])
    if "pattern" in found:
        # Python's and Rust's ends of a text are not JavaScript's, which JSON schema has.
        found["pattern"] = found["pattern"].replace(r"\A", "^").replace(r"\z", "$")
    # Who validates knows no such formats, or takes a file of the container for one of this machine.
    if found.get("format") in ("file-path", "directory-path", "path"):
        del found["format"]
    if found.get("format") == "multi-host-uri":
        found["format"] = "uri"
    return found
