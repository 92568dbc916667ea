"""`audit_sink=azure_monitor` on a laptop: what of a data collection endpoint is used, and an identity endpoint for its tokens.

Calls and statuses: "Logs Ingestion API in Azure Monitor", and "Troubleshooting" in "Tutorial: Send data to Azure Monitor Logs
using REST API" (both learn.microsoft.com/azure/azure-monitor/logs). Limits: "Azure Monitor service limits", "Logs Ingestion
API". Identity: "Managed identities in Azure Container Apps", "REST endpoint reference"
(learn.microsoft.com/azure/container-apps/managed-identity).
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from chassis.dev.collector import Answer, Keep, Kept, Request, appending, in_json, serving

URL = "CHASSIS__AUDIT_SINK__URL"
RULE = "dcr-00000000000000000000000000000000"
STREAM = "Custom-AgentAudit_CL"
COLUMNS = ("TimeGenerated", "Uid", "Action", "Record")
IDENTITY = "/msi/token"
AUDIENCE = "https://monitor.azure.com"
CALL_BYTES = 1_000_000
FIELD_BYTES = 64 * 1024
LIFETIME_SECONDS = 3600


class Collector:
    """One rule's endpoint, and the identity endpoint whose tokens it takes."""

    def __init__(self, keep: Keep) -> None:
        """Hand what comes to `keep`."""
        self.header = token_urlsafe()
        """What IDENTITY_HEADER is to hold."""
        self.given: list[str] = []
        self.accepted: set[str] = set()
        self.grants = True
        """Whether new tokens are worth anything."""
        self._keep = keep

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        if request.path == IDENTITY:
            return self._token(request)
        known = f"/dataCollectionRules/{RULE}/streams/{STREAM}"
        if request.method != "POST" or request.path != known or "api-version" not in request.query:
            return _failed(404, "NotFound")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.accepted:
            # A token of nobody, or one of an identity that has no role on the rule.
            forbidden = token in self.given and not self.grants
            return _failed(403, "Forbidden") if forbidden else _failed(401, "Unauthorized")
        if len(request.body) > CALL_BYTES:
            return _failed(413, "ContentLengthLimitExceeded")
        return self._take(request.body)

    def _take(self, body: bytes) -> Answer:
        try:
            rows = json.loads(body)
        except ValueError:
            return _failed(400, "InvalidPayload")
        rows = rows if isinstance(rows, list) else [rows]
        if not all(isinstance(row, dict) for row in rows):
            return _failed(400, "InvalidPayload")
        self._keep([_kept(row) for row in rows])
        return Answer(204)

    def _token(self, request: Request) -> Answer:
        if request.headers.get("x-identity-header") != self.header:
            return in_json(401, {"statusCode": 401, "message": "Unauthorized"})
        resource = request.query.get("resource", "")
        token = token_urlsafe()
        if resource == AUDIENCE:  # others have their own need of tokens, which are worth nothing here
            self.given.append(token)
        if resource == AUDIENCE and self.grants:
            self.accepted.add(token)
        expires = str(int(time.time()) + LIFETIME_SECONDS)
        body = {"access_token": token, "expires_on": expires, "resource": resource, "token_type": "Bearer"}
        return in_json(200, body)


def _failed(status: int, code: str) -> Answer:
    return in_json(status, {"error": {"code": code, "message": "The request was not accepted."}})


def _kept(row: dict[str, Any]) -> Kept:
    fields = {name: _cut(value) for name, value in row.items() if name in COLUMNS}  # others are dropped
    record = fields.get("Record")
    return Kept(str(fields.get("Uid", "")), record if isinstance(record, dict) else {"Record": record})


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value if len(text.encode()) <= FIELD_BYTES else text.encode()[:FIELD_BYTES].decode(errors="ignore")


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that lead to the endpoint, and what a platform tells of an identity; the environment's own first."""
    if URL in environ:
        yield {}
        return
    collector = Collector(appending(directory / "audit.jsonl"))
    with serving(collector.answer) as url:
        yield {
            URL: url,
            "CHASSIS__AUDIT_SINK__RULE_ID": RULE,
            "CHASSIS__AUDIT_SINK__STREAM": STREAM,
            "IDENTITY_ENDPOINT": f"{url}{IDENTITY}",
            "IDENTITY_HEADER": collector.header,
        }
