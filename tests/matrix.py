"""The questions and their choices, read from copier.yml itself; there is no second list by hand."""

from functools import cache
from itertools import product
from typing import Any

import yaml

from tests.copier_cli import ROOT


class _Loader(yaml.SafeLoader):
    """Reads copier.yml, whose `!include` is Copier's own."""


@cache
def configuration() -> dict[str, Any]:
    """Give copier.yml as a mapping."""
    loaded: dict[str, Any] = yaml.load((ROOT / "copier.yml").read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return loaded


def questions() -> dict[str, dict[str, Any]]:
    """Give every question, the computed ones included."""
    return {name: value for name, value in configuration().items() if not name.startswith("_")}


def choices() -> dict[str, list[str]]:
    """Give the values of every question that offers choices."""
    return {name: list(question["choices"].values()) for name, question in questions().items() if "choices" in question}


def core_combinations() -> list[dict[str, str]]:
    """Give every combination of the core choices."""
    core = {name: choices()[name] for name in ("secret_backend", "queue", "state_store")}
    return [dict(zip(core, values, strict=True)) for values in product(*core.values())]


def each_choice() -> list[dict[str, str]]:
    """Give answer sets in which every value of every choice occurs, one at a time beside the defaults."""
    return [{name: value} for name, values in choices().items() for value in values]
