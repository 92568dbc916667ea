"""A stand-in for the one part of a Kubernetes API server that Vault's `kubernetes` auth method asks: TokenReview.

Written after "TokenReview" (kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/): a POST
to /apis/authentication.k8s.io/v1/tokenreviews with `spec.token` and perhaps `spec.audiences` is answered by the same
object with `status`. A token that is not known, or for none of these audiences, is not `authenticated`. The names of a service
account's user and groups are those of "Authenticating" (/docs/reference/access-authn-authz/authentication/, service
account tokens). Errors are `Status` objects.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.openbao import Certificate

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
DEFAULT_AUDIENCE = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class ServiceAccount:
    """Whom a token belongs to."""

    namespace: str
    name: str
    uid: str = "8e9a34bb-0cb5-4d36-bd0d-0ba5d0ee4b4a"
    audience: str = DEFAULT_AUDIENCE

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of such an account's token, as "Managing Service Accounts" (Kubernetes) shows them."""
        kubernetes = {"namespace": self.namespace, "serviceaccount": {"name": self.name, "uid": self.uid}}
        return {"aud": [self.audience], "sub": self.username, "kubernetes.io": kubernetes}

    @property
    def username(self) -> str:
        """Its name as a user."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


@dataclass
class TokenReviews:
    """A running stand-in: which tokens it knows, and who may ask."""

    url: str = ""
    reviewer: str = "a token that may create tokenreviews"
    known: dict[str, ServiceAccount] = field(default_factory=dict)

    def answer(self, authorization: str, path: str, review: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Give status and body for a POST."""
        if path != PATH:
            return _status(404, "NotFound", "the server could not find the requested resource")
        if authorization != f"Bearer {self.reviewer}":
            return _status(401, "Unauthorized", "Unauthorized")
        spec = review["spec"]
        account = self.known.get(spec["token"])
        audiences = spec.get("audiences") or [DEFAULT_AUDIENCE]
        if account is None or account.audience not in audiences:
            status: dict[str, Any] = {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        else:
            groups = ["system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"]
            user = {"username": account.username, "uid": account.uid, "groups": groups}
            status = {"authenticated": True, "user": user, "audiences": [account.audience]}
        return 201, {**review, "status": status}


@contextmanager
def token_reviews(certificate: Certificate) -> Iterator[TokenReviews]:
    """Run a stand-in on loopback, with TLS as each API server has it."""
    reviews = TokenReviews()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code, body = reviews.answer(self.headers.get("Authorization", ""), self.path, review)
            content = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        reviews.url = f"https://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield reviews
        finally:
            server.shutdown()
            thread.join()


def _status(code: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason}
    return code, {**status, "metadata": {}, "code": code}
