"""`ask`: ask the running agent something and show the answer as it comes."""

import argparse
import asyncio
import os
import sys
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


def run(options: argparse.Namespace) -> int:
    """Stream the answer to standard output."""
    if not options.question.strip():
        message = 'Ask something, such as: make ask Q="How many tickets are open?"'
        raise ChassisError(message)
    return asyncio.run(ask(options.url, options.question, options.thread))


async def ask(url: str, question: str, thread_id: str | None = None) -> int:
    """Ask on a thread and print tools and text; return 0 when the run succeeded."""
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
            _show(part.event, part.data)
    except httpx.ConnectError as error:
        raise NotRunningError from error
    except httpx.HTTPStatusError as error:
        message = f"The agent answered {error.response.status_code}: {error.response.text}"
        raise ChassisError(message) from error
    print(f"\n\n(thread {thread_id})", file=sys.stderr)
    return 1 if failed else 0


def _show(event: str, data: Any) -> None:
    if event == "messages":
        message = data[0]
        if message["type"] == "AIMessageChunk" and isinstance(message["content"], str):
            print(message["content"], end="", flush=True)
    elif event == "updates":
        for update in data.values():
            for message in (update or {}).get("messages", []):
                for call in message.get("tool_calls") or []:
                    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
                    print(f"[{call['name']}({arguments})]", file=sys.stderr)
    elif event == "error":
        print(f"{data['error']}: {data['message']}", file=sys.stderr)
