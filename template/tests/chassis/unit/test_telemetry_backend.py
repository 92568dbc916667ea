"""Traces on their way out: what the backend is sent, and what it costs when it is away."""

import time
from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from chassis.telemetry.scrub import Scrubber
from chassis.telemetry.tracing import QUEUE_SPANS, export_to

HANGS_SECONDS = 60
"""So much longer than anything that does not wait for it that a machine which stands still for seconds is not taken for waiting."""


class Hanging(SpanExporter):
    """A backend that takes a batch and never answers."""

    def __init__(self) -> None:
        self.asked, self.let_go = Event(), Event()

    def export(self, _spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.let_go.wait(HANGS_SECONDS)
        return SpanExportResult.FAILURE


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    exporter = Hanging()
    yield exporter
    exporter.let_go.set()


async def test_a_backend_that_hangs_costs_bounded_memory_and_no_span_waits_for_it(hanging: Hanging) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("test")
    longest = 0.0
    async with export_to(provider, hanging, Scrubber()):
        for _ in range(5 * QUEUE_SPANS):
            began = time.monotonic()
            tracer.start_span("x").end()
            longest = max(longest, time.monotonic() - began)
        processor = cast("Any", provider._active_span_processor)._span_processors[0]
        assert len(processor._batch_processor._queue) <= QUEUE_SPANS
        assert hanging.asked.wait(10)
        assert longest < HANGS_SECONDS / 2
        leaving = time.monotonic()
    assert time.monotonic() - leaving < HANGS_SECONDS / 2, "nor does the end of the process wait for it"
