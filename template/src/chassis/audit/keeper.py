"""The process that keeps the log: one sealer and shipper at a time, however many are started."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.audit.seal import ChainEnd, chain_end, last_head, seal, sign
from chassis.audit.ship import Shipper, rest
from chassis.audit.signing import Head, SigningKey
from chassis.jobs.transient import TRANSIENT
from chassis.management.looking import Check
from chassis.management.vitals import Checks
from chassis.ports.errors import ChassisError, UnavailableError
from chassis.settings import AuditSettings

log = structlog.get_logger()

LOCK_KEY = 0x41554449  # "AUDI"; any constant that nothing else in this database locks
BATCH = 1000
RETRY_SECONDS = 2.0
LAST_SHIPMENT_SECONDS = 5.0


class ChainShortenedError(ChassisError):
    """The audit chain ends before its newest signed head: somebody shortened it. Nothing more is sealed; call security."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    end: ChainEnd
    head: Head | None


class Keeper:
    """Seals what was committed, signs how far that came, and ships both."""

    def __init__(
        self,
        engine: AsyncEngine,
        key: Callable[[], Awaitable[SigningKey]],
        shipper: Shipper,
        settings: AuditSettings,
        told: Mapping[str, Check],
    ) -> None:
        """Take the database as the sealer's role; `key` is asked for each head, so that it can be rotated.

        told: how what it depends on is asked, besides the database.
        """
        self._engine = engine
        self._key = key
        self._shipper = shipper
        self._settings = settings
        self._told = told

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the log until `stop` is set; raise `ChainShortenedError` rather than go on over a gap."""
        while not stop.is_set():
            try:
                async with self._alone() as connection:
                    if connection is not None:
                        await self._keep(connection, stop)
            except TRANSIENT as error:
                log.warning("audit.keeper_interrupted", error=type(error).__name__)
            await rest(RETRY_SECONDS, stop)

    def checks(self, *, deep: bool = False) -> Checks:
        """Give how it is asked whether it can keep the log; events wait in the database, so that alone is needed."""
        return Checks({"database": self._database}, self._told if deep else {})

    async def _database(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(select(1))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncConnection | None]:
        """Hold the lock that makes this the only keeper; it is the connection's, so it ends with the process."""
        async with self._engine.connect() as connection:
            try:
                locked = await connection.scalar(select(func.pg_try_advisory_lock(LOCK_KEY)))
                await connection.commit()
                yield connection if locked else None
            finally:
                await connection.invalidate()

    async def _keep(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        log.info("audit.keeper_ready")
        shipping = asyncio.create_task(self._shipper.run(stop), name="audit:ship")
        sealing = asyncio.create_task(self._seal_until(connection, stop), name="audit:seal")
        tasks = (shipping, sealing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                # A sink that takes its time does not keep the process from ending; nothing is lost by that.
                await asyncio.wait(tasks, timeout=LAST_SHIPMENT_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if shipping.cancelled():
            return
        with suppress(UnavailableError, TimeoutError):
            async with asyncio.timeout(LAST_SHIPMENT_SECONDS):
                while await self._shipper.ship_some():
                    pass

    async def _seal_until(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        async with connection.begin():
            state = _Sealed(await chain_end(connection), await last_head(connection))
        if state.head is not None and state.head.sequence > state.end.sequence:
            raise ChainShortenedError
        while True:
            last = stop.is_set()
            before = state.end.sequence
            state = await self._seal(connection, state, stopping=last)
            if last:
                return
            if state.end.sequence - before < BATCH:
                await rest(self._settings.poll_seconds, stop)

    async def _seal(self, connection: AsyncConnection, state: _Sealed, *, stopping: bool) -> _Sealed:
        key = await self._key()
        async with connection.begin():
            end = await seal(connection, state.end, BATCH)
            now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            head = state.head
            signed = head.sequence if head else 0
            age = (now - head.signed_at).total_seconds() if head else float("inf")
            due = end.sequence - signed >= self._settings.head_events or age >= self._settings.head_seconds
            if due or (stopping and end.sequence > signed):
                head = await sign(connection, key, end, now)
        return _Sealed(end, head)
