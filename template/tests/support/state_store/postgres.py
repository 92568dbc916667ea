"""Agent state in the service's own database."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row
from tests.support.relay import Relay

from chassis.db.rotating import RotatingDatabase
from chassis.ports.adapter_context import AdapterContext
from chassis.settings import Settings

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")


class Tables:
    """The tables of LangGraph's saver, reached through a relay."""

    def __init__(self, settings: Settings, context: AdapterContext) -> None:
        self.settings = settings
        self._url = str(settings.database.url)
        self._relay = Relay(self._url)
        parts = urlsplit(self._url)
        relayed = parts._replace(netloc=f"{parts.username}@{urlsplit(self._relay.url).netloc}").geturl()
        group = settings.database.model_copy(update={"url": relayed})
        self.context = replace(context, database=RotatingDatabase(group, context.secrets))

    async def raw(self) -> bytes:
        found = []
        for table in TABLES:
            for row in await self._execute(f"SELECT * FROM {table}"):
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row.values()]
        return b"\n".join(found)

    async def count(self, thread_id: str) -> int:
        found = [await self._execute(f"SELECT 1 FROM {table} WHERE thread_id = %s", thread_id) for table in TABLES]
        return sum(map(len, found))

    async def forget(self) -> None:
        for table in TABLES:
            await self._execute(f"DELETE FROM {table}")

    async def alter(self, thread_id: str, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
        for row in await self._execute("SELECT * FROM checkpoint_blobs WHERE thread_id = %s", thread_id):
            form, content = change(row["type"], row["blob"] or b"")
            await self._execute(
                "UPDATE checkpoint_blobs SET type = %s, blob = %s WHERE thread_id = %s AND channel = %s AND version = %s",
                *(form, content, thread_id, row["channel"], row["version"]),
            )

    async def move(self, thread_id: str, to: str) -> None:
        for table in TABLES:
            await self._execute(f"UPDATE {table} SET thread_id = %s WHERE thread_id = %s", to, thread_id)

    @contextmanager
    def outage(self) -> Iterator[None]:
        with self._relay.closed():
            yield

    def close(self) -> None:
        self._relay.close()

    async def _execute(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, row_factory=dict_row
        ) as connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def open_store(settings: Settings, context: AdapterContext) -> AsyncIterator[Tables]:
    tables = Tables(settings, context)
    await tables.forget()
    try:
        yield tables
    finally:
        tables.close()
