"""The collector of the file sink: the file."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from tests.support.audit_sink import Bounds, NoServer, Received

from chassis.ports.adapter_context import AdapterContext
from chassis.selected import AuditSinkSettings


class Lines(NoServer):
    """A file of lines. It has no limits; these are what a shipper ships at most, and a size that is uncommon."""

    bounds = Bounds(records=1000, call_bytes=1_000_000, record_bytes=1_000_000_000)

    def __init__(self, file: Path) -> None:
        self.settings = AuditSinkSettings(path=file)
        self.context = cast("AdapterContext", None)  # this sink needs neither database nor secrets
        self._file = file

    @property
    def received(self) -> Sequence[Received]:
        lines = self._file.read_bytes().split(b"\n") if self._file.exists() else []
        bodies = [json.loads(line) for line in lines if line]
        return [Received(body["metadata"]["uid"], body) for body in bodies]

    @property
    def calls(self) -> Sequence[int]:
        """A file is written at once, so it cannot be told apart."""
        pytest.skip("this sink makes no calls")

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Put a folder where the file should be, which nobody can write to, root included."""
        away = self._file.with_suffix(".away")
        if self._file.exists():
            self._file.rename(away)
        self._file.mkdir()
        yield
        self._file.rmdir()
        if away.exists():
            away.rename(self._file)


@contextmanager
def lines(directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    yield Lines(directory / "audit.jsonl")


COLLECTORS = {"lines": lines}
