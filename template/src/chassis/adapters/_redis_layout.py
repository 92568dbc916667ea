"""How a thread lies in Redis: three keys with one hash tag, so they are on one node of a cluster and change together.

    <service>:checkpoints:{<thread>}:fence    the highest claim seen
    <service>:checkpoints:{<thread>}:data     a hash: every value, under its name
    <service>:checkpoints:{<thread>}:index    a sorted set of the same names, which sort by their bytes

Names: `c` namespace id, a checkpoint; `w` namespace id task number, what a task wrote in that step; `b` namespace channel
version, a channel's value. A value is one line of JSON, which the scripts can read, and what the serializer has sealed.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from chassis.ports.fence import Fence

SEPARATOR = "\0"
LAST = b"\xff"
"""Sorts after every name: no UTF-8 has this byte."""


@dataclass(frozen=True, slots=True)
class ThreadKeys:
    """The keys of threads of one service."""

    service: str

    def of(self, thread_id: str) -> list[str]:
        """Give fence, index and data of a thread; quoted, since a brace in the id would end the hash tag."""
        return [f"{self._prefix}{{{quote(thread_id, safe='')}}}:{part}" for part in ("fence", "index", "data")]

    @property
    def every_index(self) -> str:
        """A pattern that matches the index of every thread."""
        return f"{self._prefix}{{*}}:index"

    @property
    def schema(self) -> str:
        """The key that says in which form all this is."""
        return f"{self._prefix}schema"

    def thread_of(self, index: bytes) -> str:
        """Give the thread that an index belongs to."""
        return unquote(index.decode().removeprefix(self._prefix)[1:].rpartition("}:")[0])

    @property
    def _prefix(self) -> str:
        return f"{self.service}:checkpoints:"


def name_of(kind: str, *parts: object) -> bytes:
    """Name a value."""
    return SEPARATOR.join([kind, *map(str, parts)]).encode()


def parts_of(name: bytes) -> list[str]:
    """Take a name apart: its kind and the rest."""
    return name.decode().split(SEPARATOR)


def beginning_with(first: bytes) -> tuple[bytes, bytes]:
    """Give the range of all names that begin so, as Redis is asked for it."""
    return b"[" + first, b"(" + first + LAST


def encoded(header: dict[str, Any], sealed: bytes) -> bytes:
    """Put a header before sealed bytes."""
    return json.dumps(header, separators=(",", ":")).encode() + b"\n" + sealed


def decoded(value: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a value apart."""
    header, _, sealed = value.partition(b"\n")
    return json.loads(header), sealed


def fence_text(fence: Fence | None) -> str:
    """Give a claim as text that sorts as claims do, so no script has to count beyond the 2**53 of Lua's numbers."""
    return f"{fence.sequence:020d}.{fence.number:020d}" if fence else ""
