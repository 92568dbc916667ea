"""A backend for traces: takes OTLP over HTTP, and can be slow, refusing or gone."""

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

WORDS = b"the backend's own words"
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True)
class Seen:
    """A span as the backend has it."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    process: str
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Asked:
    """A request as it came in, its headers' names in lower case and its body as it was sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def batch(self) -> ExportTraceServiceRequest:
        """What it holds."""
        gzipped = self.headers.get("content-encoding") == "gzip"
        content = gzip.decompress(self.body) if gzipped else self.body
        found: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(content)
        return found


Judge = Callable[[Asked], int]
"""Gives the status with which a request is answered; one of 200 is taken."""


@dataclass
class Receiver:
    """What has arrived, and how it answers."""

    url: str = ""
    status: int = 200
    delay: float = 0
    left_out: int = 0
    """How many spans of each batch it says that it has not taken."""
    page: bytes | None = None
    """What it confirms each batch with instead of OTLP."""
    judge: Judge | None = None
    """Who looks at requests, while `status` is 200."""
    spans: list[Seen] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def named(self, name: str) -> list[Seen]:
        """Give the spans of this name."""
        return [span for span in list(self.spans) if span.name == name]

    def trace(self, trace_id: str) -> list[Seen]:
        """Give the spans of a trace."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def child_of(self, parent: Seen, name: str) -> Seen:
        """Give the one span of this name below that one."""
        [found] = [
            span for span in self.trace(parent.trace_id) if (span.name, span.parent_id) == (name, parent.span_id)
        ]
        return found

    def answer(self, asked: Asked) -> int:
        """Look at a request, take it where it is good, and give the status."""
        self.headers.append(dict(asked.headers))
        self.paths.append(asked.path)
        time.sleep(self.delay)
        status = self.judge(asked) if self.judge is not None and self.status == 200 else self.status
        if status == 200:
            self.take(asked.batch)
        return status

    def taken(self) -> bytes:
        """Give the body of a good answer."""
        if self.page is not None:
            return self.page
        part = ExportTracePartialSuccess(rejected_spans=self.left_out, error_message=WORDS.decode())
        answer = ExportTraceServiceResponse(partial_success=part if self.left_out else None)
        written: bytes = answer.SerializeToString()
        return written

    def take(self, batch: ExportTraceServiceRequest) -> None:
        """Take a batch."""
        for resource in batch.resource_spans:
            process = _attributes(resource.resource.attributes).get("chassis.process", "")
            for scope in resource.scope_spans:
                self.spans += [_seen(span, process) for span in scope.spans]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say nothing: a client that leaves is no error of the server."""


@contextmanager
def receiver(tls: ssl.SSLContext | None = None, **given: Any) -> Iterator[Receiver]:
    """Receive on a free port while the context is open, with `tls` over HTTPS."""
    state = Receiver(**given)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_given: object) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            status = state.answer(Asked(self.path, headers, body))
            answer = state.taken() if status == 200 else WORDS
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = _Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    state.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _seen(span: ProtoSpan, process: str) -> Seen:
    return Seen(
        name=span.name,
        kind=KINDS.get(span.kind, "?"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        process=process,
        attributes=_attributes(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        text=str(span),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    value: AnyValue = pair.value
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None
