"""`settings`: check the configuration, or list every setting."""

import argparse

from chassis.settings_loader import known_variables, load_settings

INTRODUCTION = (
    "Every setting is an environment variable; `python -m chassis settings` says whether they are right.",
    "References such as `secret://name` lead to the secret backend.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the choice."""
    parser.add_argument("--list", action="store_true", help="list every variable and what it means, as Markdown")


def run(options: argparse.Namespace) -> int:
    """Exit 0 when the service would start with this environment, 2 with every problem otherwise."""
    if options.list:
        print(reference(), end="")
        return 0
    settings = load_settings()
    print(f"The configuration is valid for environment '{settings.environment}'.")
    return 0


def reference() -> str:
    """Give the reference of all settings as Markdown."""
    rows = [f"| `{variable}` | {meaning} |" for variable, meaning in known_variables().items()]
    return "\n".join(["# Settings", "", *INTRODUCTION, "", "| variable | meaning |", "|---|---|", *rows, ""])
