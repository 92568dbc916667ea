"""A server on loopback that speaks as much of the OpenAI chat protocol as the remote model's adapter needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

from chassis.db import json


class Endpoint(BaseHTTPRequestHandler):
    """Answers every chat completion with one tool call, or with the status a test asks for."""

    requests: ClassVar[list[tuple[str, dict[str, str], dict[str, Any]]]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        call = {"id": "call_1", "type": "function", "function": {"name": "count", "arguments": '{"colour": "red"}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        answer = {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        }
        data = json.dump_bytes(answer if self.status == 200 else {"error": {"message": "overloaded"}})
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None: ...


@contextmanager
def openai_endpoint() -> Iterator[tuple[type[Endpoint], str]]:
    """Serve; give the handler, which holds the requests it was sent, and the base URL."""
    handler = type("Fresh", (Endpoint,), {"requests": [], "status": 200})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
