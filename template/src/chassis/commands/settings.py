"""`settings`: check the configuration, list every setting, or give their schema."""

import argparse
import json

from chassis.settings_loader import known_variables, load_settings
from chassis.settings_schema import config_schema

INTRODUCTION = (
    "Every setting is an environment variable; `python -m chassis settings` says whether they are right.",
    "References such as `secret://name` lead to the secret backend.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be shown."""
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--list", action="store_true", help="list every variable and what it means, as Markdown")
    shown.add_argument("--schema", action="store_true", help="print the JSON schema of `config` in the chart's values")


def run(options: argparse.Namespace) -> int:
    """Exit 0 when the service would start with this environment, 2 with every problem otherwise."""
    if options.list:
        print(reference(), end="")
        return 0
    if options.schema:
        print(json.dumps(config_schema(), indent=2, ensure_ascii=False))
        return 0
    settings = load_settings()
    print(f"The configuration is valid for environment '{settings.environment}'.")
    return 0


def reference() -> str:
    """Give the reference of all settings as Markdown."""
    rows = [f"| `{variable}` | {meaning} |" for variable, meaning in known_variables().items()]
    return "\n".join(["# Settings", "", *INTRODUCTION, "", "| variable | meaning |", "|---|---|", *rows, ""])
