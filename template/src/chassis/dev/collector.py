"""A collector of audit records on this machine: an HTTP server as a thread of the process that starts it, on loopback."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What it is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """A record as the collector keeps it: the id where its vendor looks for one, and what was shipped."""

    uid: str
    body: dict[str, Any]


Answering = Callable[[Request], Answer]
Keep = Callable[[Sequence[Kept]], None]


def in_json(status: int, body: Any) -> Answer:
    """Answer with JSON."""
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def appending(file: Path) -> Keep:
    """Keep records as lines of a file, which is what `audit verify --head` reads."""

    def keep(records: Sequence[Kept]) -> None:
        with file.open("a", encoding="utf-8") as output:
            output.writelines(json.dumps(record.body, ensure_ascii=False) + "\n" for record in records)

    return keep


@contextmanager
def serving(answer: Answering, *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve until the context ends, and give the address; a free port unless one is given."""
    server = _Server(answer, port)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="collector")
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.close()


@contextmanager
def collecting(
    variable: str, directory: Path, environ: Mapping[str, str], make: Callable[[Keep], Answering]
) -> Iterator[dict[str, str]]:
    """Give the setting that leads to a collector: none where the environment has it, else that of one started here."""
    if variable in environ:
        yield {}
        return
    with serving(make(appending(directory / "audit.jsonl"))) as url:
        yield {variable: url}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answering, port: int) -> None:
        self.answer = answer
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is none of our business."""

    def close(self) -> None:
        """End the connections, too, which clients keep open between calls."""
        self.server_close()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), headers, body)
        try:
            answer = self.server.answer(request)
        except OSError as error:  # what came cannot be kept
            answer = Answer(507, str(error.strerror).encode())
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:  # noqa: PLR2004 - no content
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:  # noqa: PLR2004
            self.wfile.write(answer.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
