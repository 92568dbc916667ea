"""A server on loopback that speaks as much of the OpenAI chat protocol as the remote model's adapter needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from threading import Thread
from typing import Any, ClassVar

from chassis.db import json


def calling(name: str, arguments: dict[str, Any], call_id: str = "call_1") -> dict[str, Any]:
    """Make an answer that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def saying(content: str) -> dict[str, Any]:
    """Make an answer in words."""
    return {"role": "assistant", "content": content}


class Endpoint(BaseHTTPRequestHandler):
    """Answers chat completions with the planned answers, the last of them for ever, or with the status a test asks for."""

    requests: ClassVar[list[tuple[str, dict[str, str], dict[str, Any]]]] = []
    answers: ClassVar[list[dict[str, Any]]] = []
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        wrong = unacceptable(body["messages"])
        if wrong is not None:
            self._answer(400, {"error": {"message": wrong, "type": "invalid_request_error", "param": "messages"}})
        elif self.status != 200:
            self._answer(self.status, {"error": {"message": "overloaded"}})
        else:
            message = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            reason = "tool_calls" if "tool_calls" in message else "stop"
            choice = {"index": 0, "finish_reason": reason, "message": message}
            answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"]}
            self._answer(200, {**answer, "choices": [choice]})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dump_bytes(content)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None: ...


def unacceptable(messages: Sequence[dict[str, Any]]) -> str | None:
    """Say what is wrong with a history in which tool calls and their answers do not stand together; None if nothing is.

    OpenAI's words on a missing answer are quoted in github.com/BloomLabsInc/genkit-plugins/issues/225.
    """
    for place, message in enumerate(messages):
        answers = takewhile(lambda later: later["role"] == "tool", messages[place + 1 :])
        missing = {call["id"] for call in message.get("tool_calls") or ()} - {
            later["tool_call_id"] for later in answers
        }
        if missing:
            return (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: "
                + ", ".join(sorted(missing))
            )
        if message["role"] == "tool" and not (
            place and (messages[place - 1]["role"] == "tool" or messages[place - 1].get("tool_calls"))
        ):
            return "A message with role 'tool' must follow the message with its call."
    return None


@contextmanager
def openai_endpoint() -> Iterator[tuple[type[Endpoint], str]]:
    """Serve; give the handler, which holds the requests it was sent and what it is to answer, and the base URL."""
    handler = type("Fresh", (Endpoint,), {"requests": [], "answers": [calling("count", {"colour": "red"})]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
