"""The pooled engine and its sessions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from chassis.db import json
from chassis.ports.secrets import SecretManager, secret_name, with_password
from chassis.settings import DatabaseSettings

Sessions = async_sessionmaker[AsyncSession]


async def connection_string(settings: DatabaseSettings, secrets: SecretManager) -> str:
    """Give the libpq connection string with the password, which is resolved here and kept by the pools only."""
    url = str(settings.url)
    if settings.password is None:
        return url
    return with_password(url, await secrets.get(secret_name(settings.password)))


@asynccontextmanager
async def open_engine(conninfo: str, settings: DatabaseSettings, application: str) -> AsyncIterator[AsyncEngine]:
    """Open the pool and close it with the context."""
    engine = create_async_engine(
        conninfo.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=1800,
        json_serializer=json.dumps,
        json_deserializer=json.loads,
        connect_args={
            "application_name": application,
            # A process frozen in mid-transaction would otherwise hold its locks, and so the run it lost, for ever.
            "options": (
                f"-c statement_timeout={int(settings.statement_timeout_seconds * 1000)} "
                f"-c idle_in_transaction_session_timeout={int(settings.idle_transaction_seconds * 1000)}"
            ),
        },
    )
    try:
        yield engine
    finally:
        await engine.dispose()


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Sessions whose objects stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
