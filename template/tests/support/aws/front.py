"""What a workload sees of AWS: moto, with the checks of identity and rights before it that moto does not make.

moto answers everybody, and where it is told to enforce IAM it answers Secrets Manager's callers in another service's words
(403 AccessDenied). So each request passes here first. What this answers is what the documents and records say that
`tests/chassis/contract/test_aws_secrets_manager_fake.py` names and compares.
"""

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from chassis.dev.services import free_port

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""
PASSED_ON = ("content-type", "x-amzn-query-error")
AGENT_PATH = "/v1/credentials"
ROLE = "arn:aws:sts::123456789012:assumed-role/my-agent/pod"
SIGNED_BY = re.compile(r"Credential=([A-Z0-9]+)/")
ISSUED = re.compile(rb"<AccessKeyId>([A-Z0-9]+)</AccessKeyId>")
MESSAGES = {
    "AccessDeniedException": (
        f"User: {ROLE} is not authorized to perform: secretsmanager:GetSecretValue on resource: %s "
        "because no identity-based policy allows the secretsmanager:GetSecretValue action"
    ),
    "ExpiredTokenException": "The security token included in the request is expired",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
}


class Front:
    """One address for a service of AWS, for STS and for the agent of EKS Pod Identity; the service is Secrets Manager here."""

    def __init__(self, moto_url: str) -> None:
        self.forbidden: set[str] = set()
        """Ids of secrets that the workload may not read."""
        self.failing: tuple[int, str] | None = None
        """Status and code with which every read is answered, whoever asks."""
        self.issued: list[str] = []
        """Access keys that are good, and were handed out; the last is the newest."""
        self.expired: set[str] = set()
        self.reads = 0
        self.tls: ssl.SSLContext | None = None
        """With which it is spoken to from its next start on."""
        self.pod_token = "the pod's token"
        self._moto = urlsplit(moto_url).netloc
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer while the context is open."""
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Listen to nobody while the context is open; connections are refused."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        front = self

        class Handler(_Handler):
            answer_of = front._answer

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def _stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: "_Handler", body: bytes) -> Answer:
        if request.path == AGENT_PATH:
            return self._pod_credentials(request.headers.get("Authorization"))
        target = request.headers.get("X-Amz-Target", "")
        if target:
            refusal = self._refusal(target, request.headers.get("Authorization", ""), body)
            if refusal:
                return refusal
        status, headers, answer = self._forward(request, body)
        if target and status == 404:  # where moto differs: here all of the caller's mistakes are 400
            status = 400
        self.issued += [found.decode() for found in ISSUED.findall(answer)]
        return status, headers, answer

    def _refusal(self, target: str, authorization: str, body: bytes) -> Answer | None:
        key = signed_by(authorization)
        self.reads += target.endswith("GetSecretValue")
        if key in self.expired:
            return _error(403, "ExpiredTokenException")
        if key not in self.issued:
            return _error(400, "UnrecognizedClientException")
        if self.failing:
            return _error(*self.failing)
        secret = json.loads(body).get("SecretId")
        return _error(400, "AccessDeniedException", secret) if secret in self.forbidden else None

    def _pod_credentials(self, token: str | None) -> Answer:
        if token != self.pod_token:
            return _error(403, "AccessDeniedException", "the agent")
        self.issued.append(f"ASIAPOD{len(self.issued):013}")
        credentials = {
            "AccessKeyId": self.issued[-1],
            "SecretAccessKey": "secret-of-the-pod",
            "Token": "session-of-the-pod",
            "AccountId": "123456789012",
            "Expiration": "2999-01-01T00:00:00Z",
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(credentials).encode()

    def _forward(self, request: "_Handler", body: bytes) -> Answer:
        connection = HTTPConnection(self._moto, timeout=10)
        try:
            connection.request(request.command, request.path, body, dict(request.headers))
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.headers.items() if name.lower() in PASSED_ON}
            return answer.status, headers, answer.read()
        finally:
            connection.close()


def signed_by(authorization: str) -> str:
    """Give the access key with which a request was signed; whether rightly, nobody looks."""
    found = SIGNED_BY.search(authorization)
    return found[1] if found else ""


def _error(status: int, code: str, resource: str = "") -> Answer:
    message = MESSAGES.get(code, "An error occurred.")
    body = {"__type": code, "message": message % resource if "%s" in message else message}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    answer_of: Any

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _handle(self, body: bytes) -> None:
        status, headers, answer = self.answer_of(self, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""
