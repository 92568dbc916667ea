"""Stores of the environment and file secret backend."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.secret_backend import InProcess

from chassis.adapters.secret_backend.env import VARIABLE_PREFIX
from chassis.selected import SecretSettings


class Variables(InProcess):
    """Secrets as variables of the process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = SecretSettings()
        self._monkeypatch = monkeypatch
        for variable in [name for name in os.environ if name.startswith(VARIABLE_PREFIX)]:
            monkeypatch.delenv(variable)

    def put(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(VARIABLE_PREFIX + name.upper(), value)

    def delete(self, name: str) -> None:
        self._monkeypatch.delenv(VARIABLE_PREFIX + name.upper())

    def place(self, name: str) -> str:
        return f"the variable {VARIABLE_PREFIX}{name.upper()}"


class Files(InProcess):
    """Secrets as files, which end with a line end as most editors leave it."""

    def __init__(self, directory: Path) -> None:
        self.settings = SecretSettings(directory=directory)
        self._directory = directory

    def put(self, name: str, value: str) -> None:
        (self._directory / name).write_text(f"{value}\n")

    def delete(self, name: str) -> None:
        (self._directory / name).unlink()

    def place(self, name: str) -> str:
        return f"a file {self._directory / name}"


@contextmanager
def variables(_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Variables]:
    yield Variables(monkeypatch)


@contextmanager
def files(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    yield Files(directory)


STORES = {"variables": variables, "files": files}
