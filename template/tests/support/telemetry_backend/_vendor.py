"""A vendor's address, on loopback: its name leads here through a proxy, and the client checks a certificate of that name."""

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_urlsafe

import pytest
import trustme
from tests.support.otlp_receiver import Asked, Receiver, receiver
from tests.support.relay import pass_on
from tests.support.telemetry_backend import Keys, context_of

from chassis.ports.adapter_context import AdapterContext
from chassis.selected import TelemetryBackendSettings


class Way:
    """A proxy that leads to one host. Who asks for another is turned away, and noted."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.asked: set[str] = set()
        self.closed = False


class Vendor:
    """A receiver behind a vendor's name, with what lets the service in."""

    path = "/v1/traces"
    context: AdapterContext
    settings: TelemetryBackendSettings
    receiver: Receiver
    way: Way

    def judge(self, asked: Asked) -> int:
        """Answer as the vendor does."""
        raise NotImplementedError

    @property
    def asked(self) -> set[str]:
        return self.way.asked

    @contextmanager
    def outage(self) -> Iterator[None]:
        self.way.closed = True
        yield
        self.way.closed = False

    @contextmanager
    def serving(self, host: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Be there while the context is open."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(directory / "roots.pem")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(tls)
        with receiver(tls, judge=self.judge) as self.receiver, _leading(host, self.receiver) as self.way:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(directory / "roots.pem"))
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{self.way.port}")
            yield


class KeyedVendor(Vendor):
    """A vendor that knows the service by a key in a header, which is a secret."""

    def __init__(self, header: str, prefix: str = "", refuses: int = 401) -> None:
        self._header = header
        self._prefix = prefix
        self._refuses = refuses
        self._keys = Keys()
        self._given: list[str] = []
        self._good = ""
        self.context = context_of(self._keys)
        self.rotate()

    def judge(self, asked: Asked) -> int:
        if asked.path != self.path:
            return 404
        return 200 if asked.headers.get(self._header) == f"{self._prefix}{self._good}" else self._refuses

    def rotate(self) -> None:
        self._good = self._keys.value = token_urlsafe()
        self._given.append(self._good)

    def revoke(self) -> None:
        self._good = token_urlsafe()

    def lose(self) -> None:
        self.revoke()
        self._keys.value = None

    def credentials(self) -> Sequence[str]:
        return self._given


@contextmanager
def _leading(host: str, to: Receiver) -> Iterator[Way]:
    target = int(to.url.rpartition(":")[2])

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            name = self.path.partition(":")[0]
            way.asked.add(name)
            if way.closed or name != way.host:
                self.send_error(502)
                return
            with socket.create_connection(("127.0.0.1", target)) as server:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=pass_on, args=(server, self.connection), daemon=True)
                back.start()
                pass_on(self.connection, server)
                back.join(10)

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    way = Way(host, proxy.server_port)
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield way
    finally:
        proxy.shutdown()
        with suppress(OSError):
            proxy.server_close()
