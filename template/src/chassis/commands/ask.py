"""`ask`: ask the running agent something and show the answer as it comes."""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any

import httpx
from langgraph_sdk import get_client

from chassis.ports.errors import ChassisError

DEFAULT_URL = "http://127.0.0.1:8000"


class NotRunningError(ChassisError):
    """No agent answers; start it with `make run` in another terminal, or name its address with --url."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the question and where to ask it."""
    parser.add_argument("question", help="such as 'How many tickets are open?'")
    parser.add_argument("--url", default=os.environ.get("CHASSIS_URL", DEFAULT_URL), help=f"default {DEFAULT_URL}")
    parser.add_argument("--thread", help="continue this thread instead of starting a new one")
    parser.add_argument("--whole-lines", action="store_true", help="hold text back until its line is whole")


def run(options: argparse.Namespace) -> int:
    """Stream the answer to standard output."""
    if not options.question.strip():
        message = 'Ask something, such as: make ask Q="How many tickets are open?"'
        raise ChassisError(message)
    screen = Screen(whole_lines=options.whole_lines)
    return asyncio.run(ask(options.url, options.question, screen, options.thread))


@dataclass
class Screen:
    """Shows text as it comes; or by whole lines, for a terminal that a log is written to meanwhile."""

    whole_lines: bool = False
    _held: str = ""

    def text(self, text: str) -> None:
        """Show some of the answer, which may end in the middle of a line."""
        shown = self._held + text
        self._held = ""
        if self.whole_lines:
            lines, newline, self._held = shown.rpartition("\n")
            shown = lines + newline
        # One write a call: a line in two writes can have another process' line in its middle.
        print(shown, end="", flush=True)

    def line(self, line: str) -> None:
        """Show what is about the answer and no part of it."""
        print(line, file=sys.stderr)

    def end(self, line: str) -> None:
        """Show what was held back, and a last line."""
        print(f"{self._held}\n", flush=True)
        self.line(line)


async def ask(url: str, question: str, screen: Screen, thread_id: str | None = None) -> int:
    """Ask on a thread and show tools and text; return 0 when the run succeeded."""
    client = get_client(url=url)
    said: dict[str, Any] = {"messages": [{"role": "user", "content": question}]}
    try:
        if thread_id is None:
            thread_id = (await client.threads.create())["thread_id"]
        stream = client.runs.stream(
            thread_id,
            "agent",
            input=said,
            stream_mode=["messages-tuple", "updates"],
        )
        failed = False
        async for part in stream:
            failed = failed or part.event == "error"
            _show(screen, part.event, part.data)
    except httpx.ConnectError as error:
        raise NotRunningError from error
    except httpx.HTTPStatusError as error:
        message = f"The agent answered {error.response.status_code}: {error.response.text}"
        raise ChassisError(message) from error
    screen.end(f"(thread {thread_id})")
    return 1 if failed else 0


def _show(screen: Screen, event: str, data: Any) -> None:
    if event == "messages":
        message = data[0]
        if message["type"] == "AIMessageChunk" and isinstance(message["content"], str):
            screen.text(message["content"])
    elif event == "updates":
        for update in data.values():
            for message in (update or {}).get("messages", []):
                for call in message.get("tool_calls") or []:
                    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
                    screen.line(f"[{call['name']}({arguments})]")
    elif event == "error":
        screen.line(f"{data['error']}: {data['message']}")
