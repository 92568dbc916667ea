"""A receiver without a name, which takes traces from everybody."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from tests.support.otlp_receiver import Receiver, receiver
from tests.support.relay import Relay
from tests.support.telemetry_backend import TIMEOUT_SECONDS, Keys, context_of

from chassis.selected import TelemetryBackendSettings


class OpenReceiver:
    """As `make up` has a Jaeger, and a pod its collector."""

    path = "/v1/traces"

    def __init__(self, state: Receiver, environment: str) -> None:
        self.receiver = state
        self.relay = Relay(state.url)
        values = {"url": self.relay.url, "timeout_seconds": TIMEOUT_SECONDS}
        self.settings = TelemetryBackendSettings.model_validate(values, context={"environment": environment})
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
def open_receiver(environment: str) -> Iterator[OpenReceiver]:
    """Take from everybody while the context is open."""
    with receiver() as state:
        backend = OpenReceiver(state, environment)
        yield backend
        backend.relay.close()
