"""Spans, before anybody exports them."""

import pytest
from opentelemetry import propagate, trace

from chassis.settings import ServiceSettings
from chassis.telemetry.tracing import start_tracing


@pytest.mark.parametrize(("ratio", "recorded"), [(None, False), (1.0, True)])
def test_traces_that_go_nowhere_are_ids_and_no_more(
    ratio: float | None, recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _provider: None)  # a process has one for good
    monkeypatch.setattr(propagate, "set_global_textmap", lambda _propagator: None)
    tracer = start_tracing(ServiceSettings(), ratio, "serve").get_tracer("test")
    with tracer.start_as_current_span("GET /", kind=trace.SpanKind.SERVER) as span:
        assert span.get_span_context().is_valid
        assert span.is_recording() == recorded
