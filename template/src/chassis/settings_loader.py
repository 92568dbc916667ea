"""Reads the settings and reports everything that is wrong with them at once.

Values are never echoed: a mistyped variable may well hold a password.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from chassis.ports.errors import ConfigurationError
from chassis.settings import PREFIX, Settings
from chassis.settings_types import SettingsGroup

DOTENV = ".env"


class InvalidSettingsError(ConfigurationError):
    """The configuration is not valid; every problem is listed with its remedy."""

    def __init__(self, problems: list[str]) -> None:
        """Take one sentence a problem."""
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"The configuration has {count}:", *(f"  - {problem}" for problem in problems)]))


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Build the settings from the environment; raise `InvalidSettingsError` naming every problem."""
    environ = os.environ if environ is None else environ
    raw = _read(environ)
    problems = [_unknown(name) for name in environ if name.startswith(PREFIX) and name.upper() not in known_variables()]
    context = {"environment": raw.get("environment", "production")}
    if context["environment"] not in ("development", "test") and Path(DOTENV).exists():
        problems.append(f"{DOTENV}: such a file is never read, and must not lie where production runs. Remove it.")
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        is_group = isinstance(field.annotation, type) and issubclass(field.annotation, SettingsGroup)
        value = raw.get(name, {} if is_group else field.default)
        try:
            values[name] = TypeAdapter[Any](field.annotation or Any).validate_python(value, context=context)
        except ValidationError as error:
            problems += [_describe(name, field.annotation, dict(item)) for item in error.errors(include_input=False)]
    if problems:
        raise InvalidSettingsError(sorted(set(problems)))
    return Settings.model_construct(**values)


def known_variables() -> dict[str, str]:
    """Name every environment variable the settings read, with what it means."""
    return {
        variable: field.description or variable.rpartition("__")[2].lower()
        for variable, field in _walk(Settings, PREFIX)
    }


def example_variables() -> dict[str, str]:
    """Give the example of each setting that is required, for what needs valid settings and reaches nothing."""
    return {
        variable: str(field.examples[0])
        for variable, field in _walk(Settings, PREFIX)
        if field.is_required() and field.examples
    }


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, SettingsGroup):
            yield from _walk(field.annotation, variable + "__")
        else:
            yield variable, field


def _read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Nest the environment with pydantic-settings' own rules; what the tree does not know is dealt with by name."""
    source = EnvSettingsSource(Settings)
    known = known_variables()
    source.env_vars = {name.lower(): value for name, value in environ.items() if name.upper() in known}
    return source()


def _unknown(variable: str) -> str:
    near = difflib.get_close_matches(variable.upper(), known_variables(), n=1)
    hint = f"Did you mean {near[0]}?" if near else "Remove it."
    return f"{variable}: there is no such setting. {hint}"


def _describe(group: str, annotation: Any, error: dict[str, Any]) -> str:
    path = [group, *(str(part) for part in error["loc"])]
    variable = PREFIX + "__".join(path).upper()
    what = "is required" if error["type"] == "missing" else error["msg"].removeprefix("Value error, ")
    meaning = known_variables().get(variable)
    return f"{variable}: {what[:1].lower() + what[1:]}." + (f" Expected: {meaning}." if meaning else "")
