"""A connection to the service that is measured, which it shares the processors with."""

import asyncio
import re
from typing import Self

TENANT = "bench"


class Connection:
    """One kept connection, with as little of HTTP as there is: a real client would take longer than what is measured."""

    def __init__(self, port: int) -> None:
        """Name the port."""
        self._port = port

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect."""
        self._writer.close()

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Send a request and read the answer's body."""
        head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer dev:{TENANT}:ada:admin\r\n"
        more = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write((head + more).encode() + body)
        async with asyncio.timeout(60):
            return await self._answer()

    async def _answer(self) -> bytes:
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = re.search(rb"\r\ncontent-length: *(\d+)", answer.lower())
        if length:
            return await self._reader.readexactly(int(length[1]))
        pieces = []
        while size := int(await self._reader.readline(), 16):
            pieces.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readline()
        return b"".join(pieces)
