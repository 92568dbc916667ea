"""`audit_sink=splunk` on a laptop: what of an HTTP Event Collector is used, keeping events beside the other scratch data.

Statuses and codes: "Troubleshoot HTTP Event Collector", "Possible error codes"; channels and acknowledgements: "About HTTP
Event Collector Indexer Acknowledgment" (both help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.dev.collector import Answer, Keep, Kept, Request, collecting, in_json

URL = "CHASSIS__AUDIT_SINK__URL"
EVENTS = "/services/collector/event"
ACKNOWLEDGEMENTS = "/services/collector/ack"


class Collector:
    """One token's collector."""

    def __init__(
        self, keep: Keep, token: str | None = None, *, acknowledges: bool = True, max_content_length: int = 838_860_800
    ) -> None:
        """Hand what comes to `keep`; without a token, everybody may send. The last is a setting of limits.conf."""
        self.token = token
        self.indexes = True
        """Whether what was taken gets indexed, or waits."""
        self._keep = keep
        self._acknowledges = acknowledges
        self._max_content_length = max_content_length
        self._numbers: defaultdict[UUID, Iterator[int]] = defaultdict(count)
        self._unasked: defaultdict[UUID, set[int]] = defaultdict(set)

    def answer(self, request: Request) -> Answer:
        """Answer one call."""
        if request.method != "POST" or request.path not in (EVENTS, ACKNOWLEDGEMENTS):
            return in_json(404, {"text": "The requested URL was not found on this server.", "code": 404})
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        channel = _channel(request)
        if isinstance(channel, Answer):
            return channel
        if request.path == ACKNOWLEDGEMENTS:
            return self._acknowledge(request, channel)
        return self._take(request, channel)

    def _refusal(self, request: Request) -> Answer | None:
        authorization = request.headers.get("authorization")
        if self.token is not None and not authorization:
            return _said(401, 2, "Token is required")
        if self.token is not None and not str(authorization).startswith("Splunk "):
            return _said(401, 3, "Invalid authorization")
        if self.token is not None and authorization != f"Splunk {self.token}":
            return _said(403, 4, "Invalid token")
        if len(request.body) > self._max_content_length:
            return in_json(413, {"text": "Content-Length too large", "code": 413})
        return None

    def _take(self, request: Request, channel: UUID | None) -> Answer:
        if self._acknowledges and channel is None:
            return _said(400, 10, "Data channel is missing")
        if not request.body.strip():
            return _said(400, 5, "No data")
        taken: list[Kept] = []
        for number, event in enumerate(_objects(request.body.decode())):
            wrong = _wrong(event)
            if wrong is not None:
                self._keep(taken)  # those before it were taken
                return in_json(400, {**wrong, "invalid-event-number": number})
            taken.append(Kept(event.get("fields", {}).get("uid", ""), event["event"]))
        self._keep(taken)
        answer: dict[str, Any] = {"text": "Success", "code": 0}
        if self._acknowledges and channel is not None:
            answer["ackId"] = next(self._numbers[channel])
            self._unasked[channel].add(answer["ackId"])
        return in_json(200, answer)

    def _acknowledge(self, request: Request, channel: UUID | None) -> Answer:
        if not self._acknowledges:
            return _said(400, 14, "ACK is disabled")
        if channel is None:
            return _said(400, 10, "Data channel is missing")
        asked = json.loads(request.body)["acks"]
        indexed = self._unasked[channel] & set(asked) if self.indexes else set()
        self._unasked[channel] -= indexed  # told once, then forgotten
        return in_json(200, {"acks": {str(number): number in indexed for number in asked}})


def _said(status: int, code: int, text: str) -> Answer:
    return in_json(status, {"text": text, "code": code})


def _channel(request: Request) -> UUID | Answer | None:
    text = request.headers.get("x-splunk-request-channel") or request.query.get("channel")
    try:
        return UUID(text) if text else None
    except ValueError:
        return _said(400, 11, "Invalid data channel")


def _wrong(event: Any) -> dict[str, Any] | None:
    if not isinstance(event, dict):
        return {"text": "Invalid data format", "code": 6}
    if "event" not in event:
        return {"text": "Event field is required", "code": 12}
    if event["event"] in ("", None):
        return {"text": "Event field cannot be blank", "code": 13}
    if any(isinstance(value, dict) for value in event.get("fields", {}).values()):
        return {"text": "Error in handling indexed fields", "code": 15}
    return None


def _objects(text: str) -> Iterator[Any]:
    """Read objects that follow each other, with or without white space between them."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text.rstrip()):
        place += len(text[place:]) - len(text[place:].lstrip()) if text[place].isspace() else 0
        try:
            found, place = decoder.raw_decode(text, place)
        except ValueError:
            yield None
            return
        yield found


@contextmanager
def audit_sink_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the setting that leads to the collector: the environment's own, or one started here."""
    with collecting(URL, directory, environ, lambda keep: Collector(keep).answer) as found:
        yield found
