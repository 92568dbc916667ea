"""A Postgres whose credentials can be rotated, and load on it that notices whatever fails meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.dev.postgres import postgres_server
from chassis.settings import DatabaseSettings

HBA = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class ScramServer:
    """A Postgres that asks everybody but its administrator for a password."""

    def __init__(self, url: str) -> None:
        self.url = url
        [(hba,)] = self.execute("SHOW hba_file")
        Path(hba).write_text(HBA)
        self.execute("SELECT pg_reload_conf()")

    def execute(self, query: str | sql.Composed) -> list[tuple[str, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def role(self, name: str, password: str) -> None:
        """Create a role, or change its password."""
        verb = "ALTER" if self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'") else "CREATE"
        statement = f"{verb} ROLE {{}} LOGIN PASSWORD {{}}"
        self.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(password)))

    def revoke(self, name: str) -> None:
        """End a role as a lease's end does: no more logins, and its sessions are thrown out."""
        self.execute(f"ALTER ROLE {name} NOLOGIN")
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'")

    def sessions(self, name: str) -> set[str]:
        """Give the processes that serve a role, or each role whose name begins so."""
        return {pid for (pid,) in self.execute(f"SELECT pid::text FROM pg_stat_activity WHERE usename LIKE '{name}'")}

    async def until_replaced(self, name: str, before: set[str]) -> None:
        """Wait until none of these processes serves such a role any more."""
        async with asyncio.timeout(30):
            while await asyncio.to_thread(self.sessions, name) & before:  # noqa: ASYNC110 - the server knows no events
                await asyncio.sleep(0.05)

    def settings(self, user: str) -> DatabaseSettings:
        url = self.url.replace("postgres@", f"{user}@")
        return DatabaseSettings.model_validate(
            {"url": url, "password": "secret://database_password", "pool_size": 4},
            context={"environment": "test"},
        )


@contextmanager
def scram_server() -> Iterator[ScramServer]:
    """Start one."""
    with TemporaryDirectory(prefix="chassis-rotation-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        with postgres_server(Path(directory)) as url:
            yield ScramServer(url)


class Load:
    """Queries all the time, each on a connection from the pool, and counts what failed."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.done = 0
        self.stopped = False
        self.errors: list[str] = []
        self.users: set[str] = set()

    async def query(self) -> None:
        try:
            async with self._engine.begin() as connection:
                self.users.add(await connection.scalar(text("SELECT current_user")) or "")
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts
            self.errors.append(repr(error))
        self.done += 1

    async def until_stopped(self) -> None:
        while not self.stopped:
            await self.query()
            await asyncio.sleep(0.002)


@asynccontextmanager
async def under_load(engine: AsyncEngine) -> AsyncIterator[Load]:
    load = Load(engine)
    tasks = [asyncio.create_task(load.until_stopped()) for _ in range(8)]
    try:
        yield load
    finally:
        load.stopped = True  # not cancelled: a query that is cut off fails, which would count
        await asyncio.gather(*tasks)
