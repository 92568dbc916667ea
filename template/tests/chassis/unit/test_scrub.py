"""What must not leave the process does not, in a log line or a span; what only looks like it stays readable."""

import io
import json
import logging
from collections.abc import Iterator, Sequence

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from chassis.telemetry.logging import configure_logging
from chassis.telemetry.scrub import SCRUBBER, Scrubber
from chassis.telemetry.tracing import ScrubbedExporter

PLANTED = "planted-8Wq/x+Zk=value"
# Made up, or from the documents of those who issue them; what `make secrets` would find is in pieces.
SHAPED = [
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "Authorization: Bearer abcdef0123456789",
    "postgresql://app:hunter2@db.internal/app",
    "sk-proj-abcdefghijklmnopqrstuvwx",
    "AKIAIOSFODNN7EXAMPLE",
    "password=hunter2hunter2",
    '{"api_key": "hunter2hunter2"}',
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "ada.lovelace+tickets@example.co.uk",
    "4111 1111 1111 1111",
    "378282246310005",
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "+49 30 901820",
    "+1 (415) 555-0132",
    "078-05-1120",
]
HARMLESS = [
    "1db105f4-a30d-4027-8d6d-3985f141d8b3",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "2026-11-26T08:52:22.469404Z",
    "1732612342469404000",
    "SELECT count(*) FROM ticket WHERE opened_at > now() - interval '90 days'",
    "8 of 1,250,000 tickets in 12.5 s at 99.95 %",
    "secret://database_password",
    "https://collector.internal:4318/v1/traces",
    "worker vm-6437-6dcb31 lost its lease (fence 12)",
]
SENSITIVE = (
    "hunter2",
    "abcdef0123456789",
    "lovelace",
    "eyJ",
    "1111 1111",
    "378282246310005",
    "0532 0130",
    "901820",
    "555-0132",
)


@pytest.fixture
def scrubber() -> Scrubber:
    scrubber = Scrubber()
    scrubber.learn("database_password", PLANTED)
    return scrubber


@pytest.mark.parametrize("text", SHAPED)
def test_what_has_the_shape_of_a_secret_or_of_a_person_goes(scrubber: Scrubber, text: str) -> None:
    shown = scrubber.text(f"failed with {text} at 12:00")
    assert text not in shown
    assert "[" in shown
    assert not [word for word in SENSITIVE if word in shown]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(scrubber: Scrubber, text: str) -> None:
    assert scrubber.text(text) == text


def test_a_secret_that_was_read_is_found_wherever_it_stands(scrubber: Scrubber) -> None:
    given = {"a": [f"x{PLANTED}y", {"b": (PLANTED,)}], "c": 7, "d": RuntimeError(PLANTED), "input_tokens": 12}
    shown = scrubber.value(given)
    assert PLANTED not in repr(shown)
    assert (shown["c"], shown["input_tokens"], shown["a"][0]) == (7, 12, "x[secret]y")


def test_what_a_key_calls_a_secret_is_one(scrubber: Scrubber) -> None:
    shown = scrubber.value({"api_key": "x", "db.password": "y", "Authorization": "z", "gen_ai.usage.input_tokens": 3})
    assert shown == {
        "api_key": "[secret]",
        "db.password": "[secret]",
        "Authorization": "[secret]",
        "gen_ai.usage.input_tokens": 3,
    }


def test_a_value_from_before_a_rotation_is_still_found(scrubber: Scrubber) -> None:
    scrubber.learn("database_password", "another-value-9")
    assert scrubber.text(f"{PLANTED} another-value-9") == "[secret] [secret]"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging("production", "info")
    yield stream
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


def test_a_log_line_is_one_object_without_what_was_planted(
    logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SCRUBBER, "_secrets", {})
    monkeypatch.setattr(SCRUBBER, "_known", None)
    SCRUBBER.learn("planted", PLANTED)
    log = structlog.get_logger()
    log.info("careless", text=f"it is {PLANTED}", nested={"mail": "ada@example.com"}, token="hunter2")
    logging.getLogger("library").warning("connecting to %s", "redis://:hunter2hunter2@cache/0")
    try:
        raise RuntimeError(f"two\nlines with {PLANTED}")  # noqa: EM102
    except RuntimeError:
        log.exception("failed")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["careless", "connecting to redis://:[secret]@cache/0", "failed"]
    assert lines[0] | {"text": "it is [secret]", "nested": {"mail": "[e-mail]"}, "token": "[secret]"} == lines[0]
    assert "RuntimeError: two\nlines with [secret]" in lines[2]["exception"]


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def test_a_span_leaves_without_what_was_planted(scrubber: Scrubber) -> None:
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ScrubbedExporter(kept, scrubber)))
    with provider.get_tracer("test").start_as_current_span(f"call {PLANTED}") as span:
        span.set_attributes(
            {
                "url.full": "https://api.example/v1?key=hunter2",
                "url.query": "key=hunter2",
                "note": [PLANTED, "x"],
                "gen_ai.usage.input_tokens": 7,
            }
        )
        span.record_exception(RuntimeError(f"connection to postgresql://app:{PLANTED}@db refused"))
        span.set_status(Status(StatusCode.ERROR, f"it said {PLANTED}"))
    [exported] = kept.spans
    everything = exported.to_json()
    assert PLANTED not in everything
    assert "hunter2" not in everything
    attributes = dict(exported.attributes or {})
    assert (attributes["url.full"], attributes["gen_ai.usage.input_tokens"]) == ("https://api.example/v1", 7)
    assert exported.status.description == "it said [secret]"
    assert exported.context == span.get_span_context()
