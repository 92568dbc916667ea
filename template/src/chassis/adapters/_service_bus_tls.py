"""TLS to a Service Bus namespace that never waits for ever, and leaves no socket behind.

azure-servicebus 7.15 takes every limit off its socket for the TLS handshake and for SASL (`_init_socket` and `block` in
azure/servicebus/_pyamqp/_transport.py), and its `try_timeout` does not reach them. Measured on a server that takes a connection and
then says nothing: the thread that connects stays in `recv` until the server goes on or the connection ends.

A connection that ended is not closed by it either: it notes the end first, and closes only what has not ended (`close` and
`_disconnect` in azure/servicebus/_pyamqp/_connection.py). Measured: a socket a cut, until Python's garbage collector comes by.
"""

import ssl
from pathlib import Path
from typing import Any, Self


class _BoundedSocket(ssl.SSLSocket):
    """Waits for so long where it is asked to wait for ever, and then counts as aborted.

    That is no `TimeoutError`, which the SDK takes for "nothing came yet", and fails a line later with a `TypeError`.
    """

    seconds = 2.0
    _bounded = False

    def settimeout(self, value: float | None) -> None:
        self._bounded = value is None
        super().settimeout(self.seconds if value is None else value)

    def recv_into(self, *given: Any, **named: Any) -> int:
        try:
            return super().recv_into(*given, **named)
        except TimeoutError as error:
            if not self._bounded:
                raise
            message = f"no answer within {self.seconds:g} s"
            raise ConnectionAbortedError(message) from error


class LinkTls(ssl.SSLContext):
    """Verifies the server's certificate and name, as `PROTOCOL_TLS_CLIENT` does by itself; one for each link."""

    def __new__(cls, _authority: Path | None) -> Self:
        """Begin with Python's defaults for a client."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, authority: Path | None) -> None:
        """Trust the system's authorities, or those in a file."""
        self.sslsocket_class = _BoundedSocket
        self._sockets: list[ssl.SSLSocket] = []
        if authority:
            self.load_verify_locations(authority)
        else:
            self.load_default_certs(ssl.Purpose.SERVER_AUTH)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        """Do what the SDK asks for, and remember the socket."""
        wrapped = super().wrap_socket(*given, **named)
        self._sockets.append(wrapped)
        return wrapped

    def close(self) -> None:
        """Close what was opened, which for what is closed does nothing."""
        for one in self._sockets:
            one.close()
