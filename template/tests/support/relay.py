"""A port that leads to a server, and that can be closed while the server runs on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Relay:
    """Passes bytes between whoever connects and the server. Closed, it refuses connections and has cut the open ones."""

    def __init__(self, url: str) -> None:
        """Listen on a free port of loopback; `url` of this object is that of the server with this port."""
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 0)
        self._open: set[socket.socket] = set()
        self._listener = self._listen(0)
        self._port: int = self._listener.getsockname()[1]
        self.url = f"{parts.scheme}://127.0.0.1:{self._port}"

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Be closed while the context is open."""
        self.close()
        try:
            yield
        finally:
            self._listener = self._listen(self._port)

    def close(self) -> None:
        """Refuse further connections, and end those that are open."""
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # which also wakes the thread that waits in it
            one.close()
        self._open.clear()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                for one in (client, server):
                    one.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                    )  # or small packets wait 40 ms for each other
                self._open |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=pass_on, args=(source, sink), daemon=True).start()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the source ends."""
    with suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
