"""A Jaeger: it takes traces from everybody."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.otlp_receiver import Receiver, receiver
from tests.support.relay import Relay
from tests.support.telemetry_backend import TIMEOUT_SECONDS, Keys, context_of

from chassis.selected import TelemetryBackendSettings


class Jaeger:
    """The all-in-one, as `make up` has it."""

    path = "/v1/traces"

    def __init__(self, state: Receiver) -> None:
        self.receiver = state
        self.relay = Relay(state.url)
        values = {"url": self.relay.url, "timeout_seconds": TIMEOUT_SECONDS}
        self.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "development"})
        self.context = context_of(Keys())

    @property
    def asked(self) -> set[str]:
        pytest.skip("this backend has no name")

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self.relay.closed():
            yield

    def rotate(self) -> None:
        pytest.skip("this backend asks for no credential")

    revoke = lose = rotate

    def credentials(self) -> Sequence[str]:
        return []


@contextmanager
def jaeger(_directory: Path, _monkeypatch: pytest.MonkeyPatch) -> Iterator[Jaeger]:
    with receiver() as state:
        backend = Jaeger(state)
        yield backend
        backend.relay.close()


BACKENDS = {"jaeger": jaeger}
