"""Traces: which are recorded, under which ids, and how they reach the exporter without what must not leave."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import Any
from uuid import UUID

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from chassis.settings import ServiceSettings
from chassis.telemetry.resource import process_resource
from chassis.telemetry.scrub import Scrubber

QUEUE_SPANS = 2048
BATCH_SPANS = 512
SCHEDULE_MILLISECONDS = 1000
LAST_BATCH_SECONDS = 3.0
LONGEST_ATTRIBUTE = 4096
LEFT_OUT = frozenset({"url.query", "http.request.method_original"})
"""What a caller writes, and no dashboard asks for."""
WORDLESS = frozenset({"opentelemetry.instrumentation.redis"})
"""Instrumentations of whose errors only the kind is kept: redis-py repeats the command in them, with its keys and values."""
WORDS = frozenset({"exception.message", "exception.stacktrace"})
URLS = frozenset({"url.full", "http.url"})
"""Kept up to the question mark: behind it stand the keys of careless services."""

BEGINS_TRACE = "chassis.begins_trace"
"""Says of a span of ours that it is work that belongs to no request, and that an idle process does not do."""

_span_id: ContextVar[int | None] = ContextVar("span_id", default=None)


class OfWork(Sampler):
    """Begins a trace for a request, for an attempt at a job and for what says so, in the ratio given, and for nothing else.

    An idle worker asks the database several times a second: these are no traces that anybody would look at.
    """

    def __init__(self, ratio: float) -> None:
        """Record this part of them; which, is decided by the trace id, so that every process decides alike."""
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about a trace that begins."""
        given = attributes or {}
        begins = kind in (SpanKind.SERVER, SpanKind.CONSUMER) or BEGINS_TRACE in given
        if not begins or str(given.get("url.path", "")).startswith("/health/"):
            return SamplingResult(Decision.DROP)
        return self._ratio.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Name the sampler."""
        return f"OfWork{{{self._ratio.get_description()}}}"


class _Ids(RandomIdGenerator):
    def generate_span_id(self) -> int:
        chosen = _span_id.get()
        if chosen is None:
            return super().generate_span_id()
        _span_id.set(None)
        return chosen


def attempt_span_id(job_id: UUID, fence: int) -> int:
    """Give the id of the span of one attempt at a job, which the next attempt can compute and link to."""
    return int.from_bytes(hashlib.sha256(f"{job_id}:{fence}".encode()).digest()[:8]) or 1


@contextmanager
def next_span_has(span_id: int) -> Iterator[None]:
    """Give the next span that begins in the context this id."""
    token = _span_id.set(span_id)
    try:
        yield
    finally:
        _span_id.reset(token)


def context_of(carrier: Mapping[str, str]) -> Context:
    """Read a trace's context, as a request or an outbox entry carries it; what is none is passed over."""
    return propagate.extract(carrier, Context())


def current_carrier() -> dict[str, str]:
    """Write down the trace's context (W3C Trace Context)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


class ScrubbedExporter(SpanExporter):
    """Exports spans without secrets and personal data."""

    def __init__(self, exporter: SpanExporter, scrubber: Scrubber) -> None:
        """Wrap an exporter."""
        self._exporter = exporter
        self._scrubber = scrubber

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export copies; in the exporter's thread, so that no request waits for it."""
        return self._exporter.export([self._scrubbed(span) for span in spans])

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait for the exporter."""
        return self._exporter.force_flush(timeout_millis)

    def _attributes(self, given: Attributes, without: frozenset[str] = LEFT_OUT) -> dict[str, Any]:
        kept = ((name, value) for name, value in (given or {}).items() if name not in without)
        cut = ((name, str(value).partition("?")[0] if name in URLS else value) for name, value in kept)
        return {name: self._scrubber.value(value, name) for name, value in cut}

    def _scrubbed(self, span: ReadableSpan) -> ReadableSpan:
        scope, status = span.instrumentation_scope, span.status
        without = LEFT_OUT
        if scope is not None and scope.name in WORDLESS:
            without, status = LEFT_OUT | WORDS, Status(status.status_code)
        return ReadableSpan(
            name=self._scrubber.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[
                Event(event.name, self._attributes(event.attributes, without), event.timestamp) for event in span.events
            ],
            links=span.links,
            kind=span.kind,
            status=Status(status.status_code, status.description and self._scrubber.text(status.description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=scope,
        )


def start_tracing(service: ServiceSettings, sample_ratio: float | None, process: str) -> TracerProvider:
    """Begin to make spans, which go nowhere yet; give what `export_to` takes. Without a ratio they are ids and no more."""
    propagate.set_global_textmap(TraceContextTextMapPropagator())  # no baggage: nobody may put words into our mouth
    provider = TracerProvider(
        sampler=ALWAYS_OFF if sample_ratio is None else ParentBased(OfWork(sample_ratio)),
        resource=process_resource(service, process),
        id_generator=_Ids(),
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_span_attribute_length=LONGEST_ATTRIBUTE, max_events=64, max_links=16),
    )
    trace.set_tracer_provider(provider)
    return provider


@asynccontextmanager
async def export_to(provider: TracerProvider, exporter: SpanExporter, scrubber: Scrubber) -> AsyncIterator[None]:
    """Export while the context is open: in batches, by a thread, and what finds no room in its queue is dropped.

    So a backend that is away costs memory up to the queue's length and no request any time, nor the end of the process more
    than `LAST_BATCH_SECONDS`.
    """
    processor = BatchSpanProcessor(
        ScrubbedExporter(exporter, scrubber),
        max_queue_size=QUEUE_SPANS,
        max_export_batch_size=BATCH_SPANS,
        schedule_delay_millis=SCHEDULE_MILLISECONDS,
    )
    provider.add_span_processor(processor)
    try:
        yield
    finally:
        # A thread that ends with the process: one of the executor's would be waited for, however long it takes.
        last = Thread(target=provider.shutdown, name="last spans", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, LAST_BATCH_SECONDS)
