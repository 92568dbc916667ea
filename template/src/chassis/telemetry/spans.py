"""Spans of our own, where no instrumentation knows what happens."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    get_tracer,
)
from opentelemetry.util.types import Attributes

from chassis.telemetry.metrics import CONVENTIONS
from chassis.telemetry.tracing import BEGINS_TRACE, attempt_span_id, context_of, next_span_has

if TYPE_CHECKING:
    from chassis.jobs.lease import Lease

TRACER = get_tracer("chassis", schema_url=CONVENTIONS)
# "Semantic conventions for messaging spans", opentelemetry.io/docs/specs/semconv/messaging/messaging-spans.
OPERATION, OPERATION_TYPE = "messaging.operation.name", "messaging.operation.type"


@contextmanager
def publishing(job_id: object, carried: Mapping[str, str] | None = None) -> Iterator[None]:
    """Show that the queue is told of a job: in the trace under way, or in the one that its outbox entry carries."""
    with TRACER.start_as_current_span(
        "publish job",
        context=None if carried is None else context_of(carried),
        kind=SpanKind.PRODUCER,
        attributes={OPERATION: "publish", OPERATION_TYPE: "send", "chassis.job.id": str(job_id)},
    ):
        yield


@contextmanager
def attempting(lease: "Lease") -> Iterator[Span]:
    """Show an attempt at a job, in the trace of the request that it was accepted with, linked to the attempt before it."""
    parent = context_of(lease.trace)
    links = []
    if lease.trace_before is not None:
        before = span_context_of(lease.trace_before)
        if before.is_valid:
            earlier = attempt_span_id(lease.job_id, lease.fence - 1)
            context = SpanContext(before.trace_id, earlier, is_remote=True, trace_flags=TraceFlags(before.trace_flags))
            links.append(Link(context, {"chassis.link": "attempt before"}))
    with (
        next_span_has(attempt_span_id(lease.job_id, lease.fence)),
        TRACER.start_as_current_span(
            f"process {lease.kind}",
            context=parent,
            kind=SpanKind.CONSUMER,
            links=links,
            attributes={
                OPERATION: "process",
                OPERATION_TYPE: "process",
                "chassis.job.id": str(lease.job_id),
                "chassis.job.kind": lease.kind,
                "chassis.job.attempt": lease.attempt,
                "chassis.job.fence": lease.fence,
            },
        ) as span,
    ):
        yield span


def reading_secret(name: str) -> AbstractContextManager[None]:
    """Show that the secret backend is asked, within what waits for it; never what it answers, nor how it words a refusal."""
    return _wordless("read secret", SpanKind.CLIENT, {"chassis.secret.name": name})


def sealing(events: int) -> AbstractContextManager[None]:
    """Show that events of the audit log are sealed: a trace of its own, since it belongs to no request."""
    return _wordless("seal audit events", SpanKind.INTERNAL, {BEGINS_TRACE: True, "chassis.audit.events": events})


def shipping(sink: str, events: int, heads: int) -> AbstractContextManager[None]:
    """Show a shipment of audit events; one of heads alone is passed over, since an idle keeper signs and ships these, too."""
    if not events:
        return nullcontext()
    counts = {"chassis.audit.events": events, "chassis.audit.heads": heads}
    return _wordless("ship audit events", SpanKind.CLIENT, {BEGINS_TRACE: True, "chassis.audit.sink": sink, **counts})


@contextmanager
def _wordless(name: str, kind: SpanKind, attributes: Attributes) -> Iterator[None]:
    """Open a span that tells of an error its kind, and not its words, which may quote what must not leave."""
    with TRACER.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def ended_as(span: Span, outcome: str) -> None:
    """Note how an attempt ended."""
    span.set_attribute("chassis.job.outcome", outcome)
    if outcome in ("error", "dead", "timeout", "lost", "left", "retried"):
        span.set_status(Status(StatusCode.ERROR, outcome))


def span_context_of(carrier: Mapping[str, str]) -> SpanContext:
    """Give the span that a carrier names."""
    return get_current_span(context_of(carrier)).get_span_context()
