"""Spans, before anybody exports them."""

from collections.abc import Iterator

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.ports.secrets import Secret, SecretNotFoundError
from chassis.secrets.cache import CachedSecretManager
from chassis.settings import ServiceSettings
from chassis.telemetry import spans
from chassis.telemetry.scrub import Scrubber
from chassis.telemetry.spans import reading_secret, sealing, shipping
from chassis.telemetry.tracing import ScrubbedExporter, start_tracing


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    """A process' traces, which go to a list by the way that they go to a backend."""
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _provider: None)  # a process has one for good
    monkeypatch.setattr(propagate, "set_global_textmap", lambda _propagator: None)
    provider, exporter = start_tracing(ServiceSettings(), 1.0, "serve"), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(ScrubbedExporter(exporter, Scrubber())))
    monkeypatch.setattr(spans, "TRACER", provider.get_tracer("test"))
    yield provider, exporter
    provider.shutdown()


Exported = tuple[TracerProvider, InMemorySpanExporter]


def test_work_of_no_request_begins_a_trace_and_what_an_idle_process_does_none(exported: Exported) -> None:
    provider, exporter = exported
    with sealing(3), provider.get_tracer("psycopg").start_as_current_span("INSERT", kind=trace.SpanKind.CLIENT):
        pass
    with shipping("file", 3, 1):
        pass
    with shipping("file", 0, 1), provider.get_tracer("psycopg").start_as_current_span("UPDATE"):
        pass
    with reading_secret("database_password"):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["INSERT", "seal audit events", "ship audit events"]


async def test_who_waits_for_a_secret_has_it_in_the_trace_by_its_name_and_never_its_value(exported: Exported) -> None:
    provider, exporter = exported

    class Backend:
        async def read(self, name: str) -> Secret:
            if name == "absent":
                raise SecretNotFoundError("hunter2-in-the-words-of-an-error")
            return Secret(name, "hunter2-the-value")

    manager = CachedSecretManager(Backend())
    with provider.get_tracer("fastapi").start_as_current_span("GET /", kind=trace.SpanKind.SERVER) as request:
        await manager.get("model_api_key")
        await manager.get("model_api_key")
        with pytest.raises(SecretNotFoundError):
            await manager.get("absent")
    read, failed, _ = exporter.get_finished_spans()
    assert read.attributes == {"chassis.secret.name": "model_api_key"}, "what is in memory is no read"
    assert failed.attributes == {"chassis.secret.name": "absent", "error.type": "SecretNotFoundError"}
    assert not failed.status.is_ok
    assert read.parent == failed.parent == request.get_span_context()
    assert "hunter2" not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_of_an_error_of_redis_the_kind_is_kept_and_not_the_command_that_it_repeats(exported: Exported) -> None:
    provider, exporter = exported
    with provider.get_tracer("fastapi").start_as_current_span("GET /", kind=trace.SpanKind.SERVER):
        with (
            pytest.raises(ValueError, match="hunter2"),
            provider.get_tracer("opentelemetry.instrumentation.redis").start_as_current_span("SET"),
        ):
            raise ValueError("Command # 1 (SET key hunter2) of pipeline caused error")
        with pytest.raises(ValueError, match="no"), provider.get_tracer("other").start_as_current_span("other"):
            raise ValueError("no such thing")
    redis, other, _ = exporter.get_finished_spans()
    assert "hunter2" not in redis.to_json()
    assert [dict(event.attributes or {}) for event in redis.events] == [
        {"exception.type": "ValueError", "exception.escaped": "False"}
    ]
    assert not redis.status.is_ok
    assert "no such thing" in other.to_json(), "others keep their words, scrubbed"


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
