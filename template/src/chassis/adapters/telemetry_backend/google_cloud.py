"""Traces to Google Cloud (Cloud Trace) through the Telemetry API, which takes OTLP over HTTP with the platform's identity.

Address, scopes and the attribute that names the project: "Telemetry (OTLP) API" (docs.cloud.google.com/stackdriver/docs/reference/
telemetry/overview and its REST reference) and Google's credential provider (pypi.org/project/opentelemetry-exporter-credential-
provider-gcp). Google recommends a collector in between: that is `telemetry_backend=otlp`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters._gcp_identity import login_trouble, platform_credentials
from chassis.adapters.telemetry_backend._otlp import Credential, open_otlp
from chassis.adapters.telemetry_backend.google_cloud_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError

LOGIN_SECONDS = 4


class PlatformToken(Credential):
    """An access token of the identity that the platform gives this service, renewed before it ends."""

    def __init__(self, *, production: bool) -> None:
        """Ask nothing yet; in production keys and logins of persons are refused."""
        self._production = production
        self._found: Any = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Show the token; raise `StaticCredentialsError`, see `platform_credentials`."""
        problem = None
        try:
            if self._found is None:
                self._found = platform_credentials(LOGIN_SECONDS, production=self._production)
            elif not self._found.valid:
                self._found.refresh(partial(Request(), timeout=LOGIN_SECONDS))
        except GoogleAuthError as error:
            problem = login_trouble(error)
        if problem is not None:
            raise UnavailableError(problem)
        request.headers["Authorization"] = f"Bearer {self._found.token}"
        return request

    def refused(self) -> None:
        """Log in anew."""
        self._found = None


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, _context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. An identity that is not there keeps no service from starting."""
    token = Credential() if settings.plain else PlatformToken(production=settings.production)
    async with open_otlp(settings, token) as exporter:
        yield exporter
