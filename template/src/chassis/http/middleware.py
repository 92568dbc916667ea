"""Pure ASGI middleware: a request id, the security headers, a limit on request bodies, one log line a request.

Not `BaseHTTPMiddleware`, which costs about a millisecond a layer and buffers streams.
"""

import time
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http.problem import problem_response

log = structlog.get_logger()

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
MAX_REQUEST_ID = 64
TOO_LARGE = "Content too large"
UNFORESEEN = "Something unforeseen went wrong; the service's log has the details under this request's id."


class EdgeMiddleware:
    """What happens to every request and every response, errors and streams included."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        """Wrap `app`; larger bodies than `max_body_bytes` are refused with 413."""
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = time.perf_counter()
        status = 500
        started_response = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, started_response
            if message["type"] == "http.response.start":
                status, started_response = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            body = _LimitedBody(receive, self._max_body_bytes)
            try:
                if _declared_length(scope) > self._max_body_bytes:
                    await problem_response(413, TOO_LARGE, too_large(self._max_body_bytes))(
                        scope, receive, send_with_headers
                    )
                else:
                    await self._app(scope, body.receive, send_with_headers)
            except Exception:
                log.exception("http.unforeseen_error")
                if started_response:
                    raise  # too late for words: the connection breaks, which the client notices
                await problem_response(500, "Internal error", UNFORESEEN)(scope, receive, send_with_headers)
            finally:
                log.info(
                    "http.request",
                    method=scope["method"],
                    route=getattr(scope.get("route"), "path", None),
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                )


def too_large(limit: int) -> str:
    """Say how much is accepted."""
    return f"The request body is larger than the {limit} bytes this service accepts."


class _LimitedBody:
    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, TOO_LARGE)
        return message


def _headers(scope: Scope) -> dict[bytes, bytes]:
    pairs: Any = scope["headers"]
    return dict(pairs)


def _request_id(scope: Scope) -> str:
    given = _headers(scope).get(b"x-request-id", b"").decode("latin-1")
    usable = 0 < len(given) <= MAX_REQUEST_ID and given.isascii() and given.replace("-", "").isalnum()
    return given if usable else uuid4().hex


def _declared_length(scope: Scope) -> int:
    given = _headers(scope).get(b"content-length", b"")
    return int(given) if given.isdigit() else 0
