"""Stores of the environment and file secret backend."""

import os
from pathlib import Path

import pytest

from chassis.adapters.secret_backend.env import VARIABLE_PREFIX
from chassis.selected import SecretSettings


class Variables:
    """Secrets as variables of the process."""

    def __init__(self, _directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = SecretSettings()
        self._monkeypatch = monkeypatch
        for variable in [name for name in os.environ if name.startswith(VARIABLE_PREFIX)]:
            monkeypatch.delenv(variable)

    def put(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(VARIABLE_PREFIX + name.upper(), value)

    def place(self, name: str) -> str:
        return f"the variable {VARIABLE_PREFIX}{name.upper()}"


class Files(Variables):
    """Secrets as files, which end with a line end as most editors leave it."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(directory, monkeypatch)
        self.settings = SecretSettings(directory=directory)
        self._directory = directory

    def put(self, name: str, value: str) -> None:
        (self._directory / name).write_text(f"{value}\n")

    def place(self, name: str) -> str:
        return f"a file {self._directory / name}"


STORES = {"variables": Variables, "files": Files}
