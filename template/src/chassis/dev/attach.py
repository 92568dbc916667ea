"""Commands that look at the service that `make run` has started, from another terminal."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.ports.errors import ConfigurationError

FILE = "running.json"


class NotRunningError(ConfigurationError):
    """Nothing runs here; start it with `make run`."""


@contextmanager
def attachable(directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """While the context is open, let `attached` find this service: the file holds what makes its environment ours."""
    file = directory / FILE
    ours = {name: value for name, value in environment.items() if name.startswith("CHASSIS_")}
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        json.dump(ours, output)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def attached(directory: Path) -> dict[str, str]:
    """Give the environment of the service that runs; raise `NotRunningError`."""
    try:
        ours: dict[str, str] = json.loads((directory / FILE).read_text())
    except FileNotFoundError as error:
        raise NotRunningError from error
    return {**os.environ, **ours}
