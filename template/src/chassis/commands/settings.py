"""`settings`: check the configuration, or list every setting."""

import argparse

from chassis.settings_loader import known_variables, load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the choice."""
    parser.add_argument("--list", action="store_true", help="list every variable and what it means")


def run(options: argparse.Namespace) -> int:
    """Exit 0 when the service would start with this environment, 2 with every problem otherwise."""
    if options.list:
        for variable, meaning in known_variables().items():
            print(f"{variable}\n    {meaning}")
        return 0
    settings = load_settings()
    print(f"The configuration is valid for environment '{settings.environment}'.")
    return 0
