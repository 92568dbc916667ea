"""A small HTTP server on loopback that can be taken away and comes back on the same port."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked; header names in lower case, of repeated parameters the last."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What the client is told."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Application = Callable[[Request], Answer]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, port: int, application: Application, tls: ssl.SSLContext | None, cut_next: Callable[[], bool]
    ) -> None:
        self.application = application
        self.cut_next = cut_next
        self.connections: set[socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say nothing: a client that leaves, or that is cut off, is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def _answer(self) -> None:
        if self.server.cut_next():
            self.close_connection = True
            return
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        answer = self.server.application(
            Request(
                method=self.command,
                path=unquote(url.path),
                query={name: values[-1] for name, values in parse_qs(url.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                form={name: values[-1] for name, values in parse_qs(body).items()},
            )
        )
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - the names that BaseHTTPRequestHandler looks for

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


class Server:
    """Serves an application until the context ends."""

    def __init__(self, application: Application, tls: ssl.SSLContext | None = None) -> None:
        """Take what answers, and a certificate where it is to be HTTPS."""
        self._application = application
        self._tls = tls
        self._running: tuple[_Server, threading.Thread] | None = None
        self.port = 0
        self.cut_next = False
        """Whether the next request is answered by the end of the connection."""

    @contextmanager
    def serving(self) -> Iterator["Server"]:
        """Serve on a free port."""
        self._start()
        try:
            yield self
        finally:
            self._stop()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Refuse connections and cut those that are open; then serve on the same port again."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        server = _Server(self.port, self._application, self._tls, self._cuts)
        self.port = server.server_address[1]
        # Looked at often, so that a test that takes the server away does not wait for it.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        self._running = server, thread

    def _cuts(self) -> bool:
        cut, self.cut_next = self.cut_next, False
        return cut

    def _stop(self) -> None:
        if self._running is None:
            return
        server, thread = self._running
        self._running = None
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in tuple(server.connections):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)
