"""Who gives a workload its tokens: the metadata server of GKE, and the Security Token Service of a federation.

The metadata server: Compute Engine, "About VM metadata" and "Authenticate workloads … using service accounts"; it demands the
header `Metadata-Flavor: Google` and sends it. The exchange: Security Token Service API, `token`, RFC 8693.
"""

import atexit
import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

INVALID = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
"""What every service answers to a token that is not good."""
METADATA = "/computeMetadata/v1/"
ACCOUNT = f"{METADATA}instance/service-accounts/"
FLAVOR = "Metadata-Flavor"
EMAIL = "my-agent@my-project.iam.gserviceaccount.com"


class Identity:
    """One server for the whole process: google-auth reads the address of the metadata server when it is imported."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.__dict__["identity"] = self
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        atexit.register(self._server.server_close)
        self.reset()

    def reset(self) -> None:
        """Know nobody."""
        self.issued: list[str] = []
        self.expired: set[str] = set()
        self.subject_token = "the service account's token"
        self.silent = False

    def accepts(self, token: str) -> bool:
        """Tell whether Google's services take this token."""
        return token in self.issued and token not in self.expired

    def answer(self, path: str, flavor: str | None, form: dict[str, list[str]]) -> tuple[int, dict[str, Any] | str]:
        """Give status and content; text for text, anything else as JSON."""
        if self.silent:
            return 403, "Forbidden"
        if path == "/v1/token":
            return self._exchanged(form)
        if flavor != "Google":
            return 403, "Missing Metadata-Flavor:Google header."
        if path.startswith(ACCOUNT):
            return 200, self._token() if path.endswith("/token") else {"email": EMAIL, "aliases": ["default"]}
        texts = {"/": "computeMetadata/", f"{METADATA}project/project-id": "my-project"}
        return (200, texts[path]) if path in texts else (404, "Not Found")

    def _exchanged(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if form.get("subject_token") != [self.subject_token]:
            return 400, {"error": "invalid_grant", "error_description": "The subject token is not valid."}
        return 200, {**self._token(), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

    def _token(self) -> dict[str, Any]:
        self.issued.append(f"ya29.token-{len(self.issued)}")
        return {"access_token": self.issued[-1], "expires_in": 3599, "token_type": "Bearer"}


@cache
def identity() -> Identity:
    """Start the server at the first call."""
    return Identity()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))

    def _answer(self, form: dict[str, list[str]]) -> None:
        known: Identity = self.server.__dict__["identity"]
        status, content = known.answer(self.path.partition("?")[0], self.headers.get(FLAVOR), form)
        body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/text" if isinstance(content, str) else "application/json")
        self.send_header(FLAVOR, "Google")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""
