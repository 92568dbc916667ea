"""`audit_sink=datadog` on a laptop: what of Datadog's Logs API is used, keeping logs beside the other scratch data.

Limits, statuses and what happens to logs beyond the limits: "Send logs", docs.datadoghq.com/api/latest/logs/send-logs.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chassis.dev.collector import Answer, Keep, Kept, Request, collecting, in_json

URL = "CHASSIS__AUDIT_SINK__URL"
PATH = "/api/v2/logs"
CALL_BYTES = 5_000_000
LOG_BYTES = 1_000_000
CALL_LOGS = 1000
OLDEST_SECONDS = 18 * 3600


class Collector:
    """The log intake of one account."""

    def __init__(self, keep: Keep, token: str | None = None) -> None:
        """Hand what comes to `keep`; without an API key, everybody may send."""
        self.token = token
        self._keep = keep

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        if request.method != "POST" or request.path != PATH:
            return _failed(404, "Not Found")
        key = request.headers.get("dd-api-key")
        if self.token not in (None, key):
            return _failed(401, "Unauthorized") if key is None else _failed(403, "Forbidden")
        if len(request.body) > CALL_BYTES:
            return _failed(413, "Request Entity Too Large")
        try:
            logs = json.loads(request.body)
        except ValueError:
            return _failed(400, "Bad Request")
        logs = logs if isinstance(logs, list) else [logs]
        if len(logs) > CALL_LOGS or not all(isinstance(log, dict) for log in logs):
            return _failed(400, "Bad Request")
        self._keep([_kept(log) for log in logs if _is_young(log)])
        return in_json(202, {})


def _failed(status: int, title: str) -> Answer:
    return in_json(status, {"errors": [{"status": str(status), "title": title}]})


def _is_young(log: dict[str, Any]) -> bool:
    return "timestamp" not in log or log["timestamp"] / 1000 > time.time() - OLDEST_SECONDS


def _kept(log: dict[str, Any]) -> Kept:
    message = log.get("message", "")
    surplus = len(json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode()) - LOG_BYTES
    if surplus > 0:
        message = message.encode()[:-surplus].decode(errors="ignore")
    try:
        body = json.loads(message)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"message": message}  # as text
    return Kept(log.get("event_uid", ""), body)


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that leads to the intake: the environment's own, or one started here."""
    with collecting(URL, directory, environ, lambda keep: Collector(keep).answer) as found:
        yield found
