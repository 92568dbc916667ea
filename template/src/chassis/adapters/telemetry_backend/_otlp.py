"""Traces over OTLP/HTTP with binary Protobuf ("OTLP Specification", opentelemetry.io/docs/specs/otlp), whoever takes them.

A choice's own file says what is its vendor's: whom it lets in, and how. What goes wrong is said once, and once more when it is
well again: the exporter would say it for each batch, in the backend's words, which can repeat what it was sent.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import requests
import structlog
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters.telemetry_backend._backend_settings import BackendSettings
from chassis.ports.errors import ChassisError

log = structlog.get_logger()

REFUSED = (401, 403)
HINTS = {
    400: "does not understand what it is sent (400); check its address",
    401: "refuses the credential (401); check the one it is sent",
    403: "refuses the credential (403); check the one it is sent, and what that may do",
    404: "knows no such address (404); check telemetry_backend.url",
    413: "takes less in one batch than it was sent (413)",
    429: "is overloaded, or its quota is used up (429)",
}
REPEATED = ("Failed to export", "Transient error")
"""How the exporter's lines about a batch begin (opentelemetry.exporter.otlp.common.http)."""


class Credential(requests.auth.AuthBase):
    """What a backend knows this service by; here nothing. Used by the exporter's thread, for each attempt anew."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Show it; raise a `ChassisError` where there is none at the moment."""
        return request

    def refused(self) -> None:
        """Note that what was shown last was refused, so that the next is found anew."""


class _Session(requests.Session):
    """Makes the calls, and says what is wrong with them."""

    def __init__(self, credential: Credential) -> None:
        super().__init__()
        self.auth = self._credential = credential
        self._problem: str | None = None

    def request(self, *given: Any, **named: Any) -> requests.Response:
        try:
            answer = super().request(*given, **named)
        except ChassisError as error:
            self._tell(error.detail)
            raise
        except requests.RequestException as error:
            self._tell(_described(error))
            raise
        if answer.status_code in REFUSED:
            self._credential.refused()
        self._tell(_understood(answer.status_code) or _unconfirmed(answer.content))
        return answer

    def _tell(self, problem: str | None) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem is None:
            log.info("telemetry.sent_again")
        else:
            log.warning("telemetry.not_sent", problem=problem)


def _described(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "The telemetry backend shows a certificate that is not trusted; name its CA's file in REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, requests.Timeout):
        return "The telemetry backend does not answer in time."
    return "The telemetry backend cannot be reached; check its address, and whether it runs."


def _understood(status: int) -> str | None:
    if 200 <= status < 300:  # noqa: PLR2004 - successes
        return None
    if 300 <= status < 400:  # noqa: PLR2004 - redirections, which the exporter takes for successes
        return f"The telemetry backend redirects ({status}), which is not followed: the credential would go along."
    return f"The telemetry backend {HINTS.get(status, f'answers {status}')}."


def _unconfirmed(content: bytes) -> str | None:
    """Read what confirms a batch: a backend may have taken a part of it ("Partial Success"); a web page confirms nothing."""
    try:
        answer = ExportTraceServiceResponse.FromString(content)
    except DecodeError:
        return "The telemetry backend answers with something else than OTLP; check telemetry_backend.url."
    if answer.partial_success.rejected_spans > 0:
        return "The telemetry backend has not taken all spans of a batch; look there for the reason."
    return None


def _said_anew(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(REPEATED)


@asynccontextmanager
async def open_otlp(
    settings: BackendSettings, credential: Credential, headers: Mapping[str, str] | None = None
) -> AsyncIterator[SpanExporter]:
    """Open an exporter to the address that settings name, with further headers where the backend reads them."""
    logger = logging.getLogger(OTLPSpanExporter.__module__)
    logger.addFilter(_said_anew)
    session = _Session(credential)
    try:
        yield OTLPSpanExporter(
            endpoint=settings.endpoint,
            timeout=settings.timeout_seconds,
            compression=Compression.Gzip,
            headers=headers,
            session=session,
        )
    finally:
        session.close()
        logger.removeFilter(_said_anew)
