"""`openapi`: print the API's description; needs no database."""

import argparse
import os

from chassis.db import json
from chassis.http.app import create_app
from chassis.settings_loader import example_variables, load_settings
from chassis.wiring import load_agent, open_container


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""


def run(_options: argparse.Namespace) -> int:
    """Print the document as JSON."""
    settings = load_settings({**example_variables(), "CHASSIS__ENVIRONMENT": "development", **os.environ})
    app = create_app(settings, load_agent(), lambda: open_container(settings))
    print(json.dumps(app.openapi()))
    return 0
