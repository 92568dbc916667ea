"""What every telemetry backend's adapter must do; the chosen one is tested, on a receiver of its kind."""

import asyncio
import time

import pytest
import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, StatusCode
from tests.support.otlp_receiver import WORDS, receiver
from tests.support.telemetry_backend import TIMEOUT_SECONDS, BackendUnderTest, Keys, context_of, settings_rules

from chassis import selected
from chassis.import_strings import load_object
from chassis.selected import TelemetryBackendSettings
from chassis.settings import ServiceSettings
from chassis.telemetry.resource import process_resource

RULES = settings_rules()
LAPTOP = "http://localhost:4318"
WAIT_SECONDS = 30
STALL_SECONDS = 20
"""What a busy machine may add to a bound; bounds are for hanging, not for speed."""


def spans(resource: Resource, *names: str) -> list[ReadableSpan]:
    """Make spans, each with a link to the one before."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    links: list[Link] = []
    for name in names:
        with tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, links=links, attributes={"step": name, "größe": 2}
        ):
            pass
        context = kept.get_finished_spans()[-1].context
        assert context is not None
        links = [Link(context)]
    return list(kept.get_finished_spans())


async def send(backend: BackendUnderTest, exporter: SpanExporter, *names: str) -> bool:
    """Send spans as a process does, in a thread; tell whether the exporter says that they arrived."""
    made = spans(process_resource(ServiceSettings(), "serve", backend.settings.resource), *(names or ("one",)))
    return await asyncio.to_thread(exporter.export, made) is SpanExportResult.SUCCESS


async def sent_at_last(backend: BackendUnderTest, exporter: SpanExporter) -> bool:
    """Send until it is taken."""
    deadline = time.monotonic() + WAIT_SECONDS
    taken = False
    while not taken and time.monotonic() < deadline:
        taken = await send(backend, exporter, "at last")
    return taken


async def test_spans_arrive_whole_and_where_the_vendor_takes_them(
    backend: BackendUnderTest, exporter: SpanExporter
) -> None:
    assert await send(backend, exporter, "one", "two")
    first, second = backend.receiver.spans
    assert (first.name, first.kind, first.process) == ("one", "client", "serve")
    assert first.attributes == {"step": "one", "größe": 2}
    assert second.links == ((first.trace_id, first.span_id),)
    assert set(backend.receiver.paths) == {backend.path}
    assert {(head["content-type"], head["content-encoding"]) for head in backend.receiver.headers} == {
        ("application/x-protobuf", "gzip")
    }


async def test_an_error_is_still_one_when_it_arrives(backend: BackendUnderTest, exporter: SpanExporter) -> None:
    [span] = spans(process_resource(ServiceSettings(), "work", backend.settings.resource), "failed")
    assert span.status.status_code is StatusCode.UNSET
    provider = TracerProvider(resource=span.resource, shutdown_on_exit=False)
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with pytest.raises(LookupError), provider.get_tracer("test").start_as_current_span("failed"):
        raise LookupError
    assert await asyncio.to_thread(exporter.export, kept.get_finished_spans()) is SpanExportResult.SUCCESS
    assert "STATUS_CODE_ERROR" in backend.receiver.named("failed")[0].text


async def test_nobody_else_is_told_anything(backend: BackendUnderTest, exporter: SpanExporter) -> None:
    assert await send(backend, exporter)
    assert backend.settings.url is not None
    assert backend.asked == {backend.settings.url.host}


async def test_a_credential_that_was_replaced_is_used_without_a_restart(
    backend: BackendUnderTest, exporter: SpanExporter
) -> None:
    assert await send(backend, exporter)
    backend.rotate()
    assert await sent_at_last(backend, exporter)


@pytest.mark.parametrize("trouble", ["revoke", "lose"])
async def test_a_credential_that_does_not_help_is_said_once_and_shown_to_nobody(
    backend: BackendUnderTest,
    exporter: SpanExporter,
    trouble: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await send(backend, exporter)
    getattr(backend, trouble)()
    with caplog.at_level("INFO"), structlog.testing.capture_logs() as events:
        for _ in range(4):
            assert not await send(backend, exporter)
        said = [event for event in events if event["event"] == "telemetry.not_sent"]
        problems = {event["problem"] for event in said}
        assert len(said) == len(problems), "one line for what is wrong, not one for each batch"
        assert 1 <= len(problems) <= 2
        assert all(problem.endswith(".") and "\n" not in problem for problem in problems)
        backend.rotate()
        assert await sent_at_last(backend, exporter)
    assert [event["event"] for event in events if event["event"].startswith("telemetry.")][-1] == "telemetry.sent_again"
    seen = f"{events} {caplog.text} {capsys.readouterr()} {exporter!r} {backend.settings!r}"
    assert not [shown for shown in backend.credentials() if shown in seen]
    assert WORDS.decode() not in seen
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


async def test_a_credential_that_is_not_there_keeps_no_service_from_starting(backend: BackendUnderTest) -> None:
    backend.lose()
    async with load_object(selected.OPEN_SPAN_EXPORTER)(backend.settings, backend.context) as exporter:
        assert not await send(backend, exporter)
        backend.rotate()
        assert await sent_at_last(backend, exporter)
    await backend.context.secrets.close()


@pytest.mark.parametrize("status", [301, 307])
async def test_a_redirect_is_not_followed_and_is_said(
    backend: BackendUnderTest, exporter: SpanExporter, status: int
) -> None:
    backend.receiver.status = status
    with structlog.testing.capture_logs() as events:
        await send(backend, exporter)
    assert set(backend.receiver.paths) == {backend.path}
    assert f"redirects ({status})" in events[0]["problem"]


@pytest.mark.parametrize("status", [400, 404, 413, 418, 500])
async def test_what_is_refused_is_given_up_and_said(
    backend: BackendUnderTest, exporter: SpanExporter, status: int
) -> None:
    backend.receiver.status = status
    with structlog.testing.capture_logs() as events:
        assert not await send(backend, exporter)
    [event] = [event for event in events if event["event"] == "telemetry.not_sent"]
    assert str(status) in event["problem"]
    backend.receiver.status = 200
    assert await send(backend, exporter)


async def test_a_batch_that_is_taken_in_part_is_said_once(backend: BackendUnderTest, exporter: SpanExporter) -> None:
    backend.receiver.left_out = 1
    with structlog.testing.capture_logs() as events:
        for _ in range(2):
            assert await send(backend, exporter), "OTLP has nothing of it sent again"
        backend.receiver.left_out = 0
        assert await send(backend, exporter)
    assert [event["event"] for event in events] == ["telemetry.not_sent", "telemetry.sent_again"]
    assert "not taken all spans" in events[0]["problem"]
    assert WORDS.decode() not in str(events)


@pytest.mark.parametrize("page", [b"<!doctype html>", b"{}", b"ok", WORDS], ids=["page", "json", "ok", "words"])
async def test_a_success_that_is_not_otlp_is_said(
    backend: BackendUnderTest, exporter: SpanExporter, page: bytes
) -> None:
    backend.receiver.page = page
    with structlog.testing.capture_logs() as events:
        for _ in range(2):
            assert await send(backend, exporter), "nothing says that it was not taken"
        backend.receiver.page = None
        assert await send(backend, exporter)
    assert [event["event"] for event in events] == ["telemetry.not_sent", "telemetry.sent_again"]
    assert "something else than OTLP" in events[0]["problem"]
    assert page.decode() not in events[0]["problem"]


async def test_a_backend_that_is_away_is_given_up_in_time(backend: BackendUnderTest, exporter: SpanExporter) -> None:
    assert await send(backend, exporter)
    began = time.monotonic()
    with backend.outage(), structlog.testing.capture_logs() as events:
        assert not await send(backend, exporter)
        assert not await send(backend, exporter)
    assert time.monotonic() - began < 2 * TIMEOUT_SECONDS + STALL_SECONDS
    assert [event["event"] for event in events] == ["telemetry.not_sent"]
    assert await sent_at_last(backend, exporter)


async def test_a_backend_that_does_not_answer_is_given_up_in_time(
    backend: BackendUnderTest, exporter: SpanExporter
) -> None:
    backend.receiver.delay = TIMEOUT_SECONDS + 3 * STALL_SECONDS
    began = time.monotonic()
    with structlog.testing.capture_logs() as events:
        assert not await send(backend, exporter)
    assert time.monotonic() - began < TIMEOUT_SECONDS + STALL_SECONDS
    assert "in time" in events[0]["problem"]


async def test_a_receiver_on_a_laptop_is_shown_no_credential() -> None:
    with receiver() as laptop:
        values = {**RULES.good, "url": laptop.url}
        settings = TelemetryBackendSettings.model_validate(values, context={"environment": "development"})
        context = context_of(Keys("the-key"))
        async with load_object(selected.OPEN_SPAN_EXPORTER)(settings, context) as exporter:
            [span] = spans(process_resource(ServiceSettings(), "serve", settings.resource), "one")
            assert await asyncio.to_thread(exporter.export, [span]) is SpanExportResult.SUCCESS
        await context.secrets.close()
        assert laptop.paths == ["/v1/traces"]
        assert not {"authorization", "x-honeycomb-team", "dd-api-key", "x-amz-security-token"} & set(laptop.headers[0])
        assert "the-key" not in str(laptop.headers)


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("url", RULES.strangers)
def test_traces_go_to_the_vendor_alone(url: str, environment: str) -> None:
    with pytest.raises(ValueError, match=r"url must be .*; a receiver at http:// is for development"):
        TelemetryBackendSettings.model_validate({**RULES.good, "url": url}, context={"environment": environment})


@pytest.mark.skipif(not RULES.strangers, reason="any collector will do")
def test_a_receiver_on_a_laptop_is_none_of_production() -> None:
    TelemetryBackendSettings.model_validate({"url": LAPTOP}, context={"environment": "development"})
    with pytest.raises(ValueError, match="is for development"):
        TelemetryBackendSettings.model_validate({**RULES.good, "url": LAPTOP}, context={"environment": "production"})


@pytest.mark.parametrize(("name", "message"), RULES.needed.items())
def test_what_an_address_needs_beside_it_is_asked_for(name: str, message: str) -> None:
    without = {key: value for key, value in RULES.good.items() if key != name}
    with pytest.raises(ValueError, match=message):
        TelemetryBackendSettings.model_validate(without, context={"environment": "test"})


@pytest.mark.parametrize("environment", ["development", "test", "production"])
def test_there_is_no_address_that_nobody_named(environment: str) -> None:
    settings = TelemetryBackendSettings.model_validate({}, context={"environment": environment})
    assert settings.url is None
    assert not settings.sends


@pytest.mark.parametrize(
    "url", ["https://user:pass@example.com", "https://example.com/?key=x", "https://example.com/#x"]
)
def test_an_address_holds_no_credential(url: str) -> None:
    with pytest.raises(ValueError, match="a credential belongs into the secret backend"):
        TelemetryBackendSettings.model_validate({"url": url}, context={"environment": "test"})
