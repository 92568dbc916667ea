"""Traces to CloudWatch (X-Ray) at its OTLP endpoint: HTTP with Protobuf, signed with the role that the platform gives.

"OTLP Endpoints", docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html: the address, Signature
Version 4, no gRPC; AWS describes it for a collector with the signing extension. That a process can do the same, and with which
service's name, its own distribution for Python shows (`AwsAuthSession` of aws-observability/aws-otel-python-instrumentation).
Transaction Search must be on in the account.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from opentelemetry.sdk.trace.export import SpanExporter

from chassis.adapters._aws_identity import NoAwsIdentityError, platform_session
from chassis.adapters.telemetry_backend._otlp import Credential, open_otlp
from chassis.adapters.telemetry_backend.cloudwatch_settings import TelemetryBackendSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError

SERVICE = "xray"
TIMES = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1})
"""For STS, where the role's credentials come from there."""


class Signature(Credential):
    """Signs each request with the role's credentials, which the SDK finds and renews."""

    def __init__(self, region: str, *, production: bool) -> None:
        """Ask nothing yet; in production long-term keys are refused."""
        self._region = region
        self._production = production
        self._session: boto3.Session | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign; raise `NoAwsIdentityError` or `StaticAwsKeyError`, see `platform_session`."""
        frozen = None
        try:
            if self._session is None:
                self._session = platform_session(self._region, TIMES, production=self._production)
            found = self._session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        except (BotoCoreError, ClientError, OSError):  # their texts name roles and accounts
            message = "AWS gives this service no credentials; check its role (docs/cloud-aws.md)."
            raise UnavailableError(message) from None
        if frozen is None:
            raise NoAwsIdentityError
        signed = AWSRequest(
            method=request.method,
            url=request.url,
            data=request.body,
            headers={"Content-Type": request.headers["Content-Type"]},
        )
        SigV4Auth(frozen, SERVICE, self._region).add_auth(signed)
        request.headers.update(signed.headers.items())
        return request

    def refused(self) -> None:
        """Find the credentials anew, since the SDK keeps them in the object."""
        self._session = None


@asynccontextmanager
async def open_span_exporter(
    settings: TelemetryBackendSettings, _context: AdapterContext
) -> AsyncIterator[SpanExporter]:
    """Open the exporter of settings that send. A role that is not there keeps no service from starting."""
    region = settings.region
    credential = Credential() if region is None else Signature(region, production=settings.production)
    async with open_otlp(settings, credential) as exporter:
        yield exporter
