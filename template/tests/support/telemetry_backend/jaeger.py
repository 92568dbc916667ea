"""A Jaeger, the all-in-one as `make up` has it: it takes traces from everybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.telemetry_backend import SettingsUnderTest
from tests.support.telemetry_backend._open import OpenReceiver, open_receiver


@contextmanager
def jaeger(_directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenReceiver]:
    with open_receiver("development") as backend:
        yield backend


BACKENDS = {"jaeger": jaeger}
SETTINGS = SettingsUnderTest(good={})
