"""Another service, in a process of its own, whose effects are lines of a file: `python -m tests.support.ledger_server FOLDER`.

    POST /effects         makes an effect under the `reference` of its JSON; with an Idempotency-Key once a key
    GET  /effects/KEY     the effect that was made under a reference, or 404
    POST /park?name=      holds the first request of that name until POST /release; answers later ones at once

It is called effects, or whatever else. `hold=1` has the answer to an effect held, after the effect was made: what its maker knows is then nothing.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Ledger:
    """What has happened, on disk before anybody is told."""

    def __init__(self, folder: Path) -> None:
        self._effects = folder / "effects.jsonl"
        self._parked = folder / "parked.jsonl"
        self._lock = Lock()
        self._once: dict[str, dict[str, Any]] = {}
        self._seen: set[str] = set()
        self.released = Event()

    def make(self, reference: str, idempotency_key: str | None) -> dict[str, Any]:
        with self._lock:
            if idempotency_key is not None and idempotency_key in self._once:
                return self._once[idempotency_key]
            effect = {"key": reference, "number": len(self.made())}
            append(self._effects, effect)
            if idempotency_key is not None:
                self._once[idempotency_key] = effect
            return effect

    def find(self, reference: str) -> dict[str, Any] | None:
        with self._lock:
            return next((effect for effect in self.made() if effect["key"] == reference), None)

    def made(self) -> list[dict[str, Any]]:
        lines = self._effects.read_text().splitlines() if self._effects.exists() else []
        return [json.loads(line) for line in lines]

    def park(self, name: str) -> None:
        with self._lock:
            if name in self._seen:
                return
            self._seen.add(name)
            append(self._parked, name)
        self.released.wait()


def append(path: Path, entry: object) -> None:
    with path.open("a") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())


class Handler(BaseHTTPRequestHandler):
    """HTTP for a ledger."""

    ledger: Ledger
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        path, query = self._target()
        body = json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or "{}")
        if path == "/release":
            self.ledger.released.set()
            self._answer({})
        elif path == "/park":
            self.ledger.park(query["name"])
            self._answer({})
        else:
            effect = self.ledger.make(body["reference"], self.headers["idempotency-key"])
            if "hold" in query:
                self.ledger.park(f"made:{body['reference']}")
            self._answer(effect)

    def do_GET(self) -> None:
        path, _ = self._target()
        found = self.ledger.find(path.rpartition("/")[2])
        self._answer(found, 200 if found is not None else 404)

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _answer(self, content: object, status: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None: ...


class Server(ThreadingHTTPServer):
    """Threads that are held do not keep the process, and clients that were killed are no errors."""

    daemon_threads = True

    def handle_error(self, *_arguments: object) -> None: ...


if __name__ == "__main__":
    Handler.ledger = Ledger(Path(sys.argv[1]))
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201 - who started it reads this
    server.serve_forever()
