"""The OTLP endpoint of a region: it lets in whoever signs with a role's credentials, and each signature is checked.

How it is computed: AWS IAM User Guide, "Create a signed AWS API request", here once more beside the SDK that made it.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_urlsafe
from threading import Thread

import pytest
from tests.support.aws.front import AGENT_PATH
from tests.support.aws.workload import nobody
from tests.support.otlp_receiver import Asked
from tests.support.telemetry_backend import TIMEOUT_SECONDS, Keys, SettingsUnderTest, context_of
from tests.support.telemetry_backend._vendor import Vendor

from chassis.selected import TelemetryBackendSettings

REGION = "eu-central-1"
HOST = f"xray.{REGION}.amazonaws.com"
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<scope>\d{8}/[\w-]+/\w+/aws4_request), "
    r"SignedHeaders=(?P<names>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class Endpoint(Vendor):
    """X-Ray in one region, and the agent of EKS Pod Identity that hands out the role's credentials."""

    def __init__(self) -> None:
        self.context = context_of(Keys())
        self.hands_out = True
        self.issued: list[tuple[str, str, str]] = []
        self.pod_token = token_urlsafe()

    def judge(self, asked: Asked) -> int:
        if asked.path != self.path:
            return 404
        return 200 if self.issued and self._signed(asked, *self.issued[-1]) else 403

    def _signed(self, asked: Asked, key: str, secret: str, session: str) -> bool:
        found = SIGNED.fullmatch(asked.headers.get("authorization", ""))
        if not found or found["key"] != key or asked.headers.get("x-amz-security-token") != session:
            return False
        names = found["names"].split(";")
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
            return False
        headers = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names)
        digest = hashlib.sha256(asked.body).hexdigest()
        request = "\n".join(("POST", asked.path, "", headers, found["names"], digest))
        day, region, service, _ = found["scope"].split("/")
        date, scope = asked.headers["x-amz-date"], found["scope"]
        text = "\n".join(("AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()))
        signing = reduce(_hmac, (day, region, service, "aws4_request"), f"AWS4{secret}".encode())
        right = (region, service) == (REGION, "xray") and date.startswith(day)
        return right and hmac.compare_digest(_hmac(signing, text).hex(), found["signature"])

    def credentials_for(self, token: str | None) -> tuple[int, dict[str, str]]:
        """Answer as the agent of EKS Pod Identity."""
        if token != self.pod_token or not self.hands_out:
            return 403, {"code": "AccessDeniedException"}
        if not self.issued:
            self.rotate()
        key, secret, session = self.issued[-1]
        return 200, {
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "Token": session,
            "Expiration": "2999-01-01T00:00:00Z",
        }

    def rotate(self) -> None:
        self.hands_out = True
        self.issued.append((f"ASIAPOD{len(self.issued):013}", token_urlsafe(), token_urlsafe()))

    def revoke(self) -> None:
        self.hands_out = False
        self.issued.append(("ASIANOBODY0000000000", token_urlsafe(), token_urlsafe()))

    def lose(self) -> None:
        self.revoke()

    def credentials(self) -> Sequence[str]:
        return [self.pod_token, *(part for issued in self.issued for part in issued[1:])]


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@contextmanager
def _agent(endpoint: Endpoint) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = endpoint.credentials_for(self.headers.get("Authorization"))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{AGENT_PATH}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def region(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    nobody(directory, monkeypatch)
    vendor = Endpoint()
    with vendor.serving(HOST, directory, monkeypatch), _agent(vendor) as agent:
        (directory / "pod-token").write_text(vendor.pod_token)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(directory / "pod-token"))
        values = {"url": f"https://{HOST}", "timeout_seconds": TIMEOUT_SECONDS}
        vendor.settings = TelemetryBackendSettings.model_validate(values, context={"environment": "production"})
        yield vendor


BACKENDS = {"region": region}
SETTINGS = SettingsUnderTest(
    good={"url": f"https://{HOST}"},
    strangers=(
        "https://xray.amazonaws.com",
        "https://logs.eu-central-1.amazonaws.com",
        "https://xray.eu-central-1.amazonaws.com.example.com",
        "https://xray.eu-central-1.amazonaws.com/elsewhere",
    ),
)
