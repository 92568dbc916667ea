"""`audit_sink=https` on a laptop: a collector that takes JSON, and keeps it in a file beside the other scratch data."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chassis.dev.collector import Answer, Keep, Kept, Request, collecting

URL = "CHASSIS__AUDIT_SINK__URL"


class Collector:
    """Takes POSTs of JSON; all of it or nothing."""

    def __init__(
        self, keep: Keep, token: str | None = None, call_records: int = 500, call_bytes: int = 1_000_000
    ) -> None:
        """Hand what comes to `keep`; without a token, everybody may send."""
        self.token = token
        self._keep = keep
        self._call_records = call_records
        self._call_bytes = call_bytes

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        if request.method != "POST":
            return Answer(405, headers={"Allow": "POST"})
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, headers={"WWW-Authenticate": "Bearer"})
        if len(request.body) > self._call_bytes:
            return Answer(413)
        try:
            records = _records(request)
            kept = [Kept(record["metadata"]["uid"], record) for record in records]
        except (ValueError, KeyError, TypeError):
            return Answer(400)
        if len(records) > self._call_records:
            return Answer(413)
        self._keep(kept)
        return Answer(204)


def _records(request: Request) -> list[dict[str, dict[str, str]]]:
    if request.headers.get("content-type") == "application/x-ndjson":
        return [json.loads(line) for line in request.body.split(b"\n") if line]
    found: list[dict[str, dict[str, str]]] = json.loads(request.body)
    return found


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that leads to the collector: the environment's own, or one started here."""
    with collecting(URL, directory, environ, lambda keep: Collector(keep).answer) as found:
        yield found
