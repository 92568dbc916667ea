"""Shipping sealed events and signed heads to the sink, in order, again and again until it confirms them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.audit.ocsf import event_record, head_record
from chassis.audit.seal import EVENT_COLUMNS
from chassis.audit.signing import Head
from chassis.audit.tables import AuditEvent, heads, seals, shipments
from chassis.management.looking import DeepState, Found
from chassis.ports.audit_sink import AuditRecord, AuditSink
from chassis.ports.errors import UnavailableError
from chassis.telemetry.spans import shipping

log = structlog.get_logger()

BATCH = 500
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Position:
    """How far the sink has confirmed: the last sealed event, and the last head."""

    sequence: int = 0
    head: int = 0


class Shipper:
    """Ships to one sink; its position is in the database, moved only after the sink has confirmed."""

    def __init__(
        self, engine: AsyncEngine, sink: AuditSink, *, name: str, service: str, version: str, poll_seconds: float
    ) -> None:
        """Ship to `sink`, whose position is kept under `name`."""
        self._engine = engine
        self._sink = sink
        self._name = name
        self._service = service
        self._version = version
        self._poll_seconds = poll_seconds
        self._last: DeepState = "unknown"

    async def run(self, stop: asyncio.Event) -> None:
        """Ship until `stop` is set; an unreachable sink is tried again with growing pauses."""
        pause = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                more = await self.ship_some()
            except UnavailableError as error:
                log.warning("audit.sink_unavailable", reason=error.detail, retry_seconds=pause)
                await rest(pause, stop)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause = FIRST_PAUSE_SECONDS
            if not more:
                await rest(self._poll_seconds, stop)

    async def ship_some(self) -> bool:
        """Ship one batch and note how far the sink has got; say whether there was anything."""
        async with self._engine.connect() as connection:
            position = await read_position(connection, self._name)
            records, reached = await self._unshipped(connection, position)
        if not records:
            return False
        events = reached.sequence - position.sequence  # sealed in this order, without a gap
        with shipping(self._name, events, len(records) - events):
            await self._deliver(records)
            async with self._engine.begin() as connection:
                row = {"sequence": reached.sequence, "head": reached.head, "shipped_at": func.now()}
                statement = insert(shipments).values(sink=self._name, **row)
                await connection.execute(statement.on_conflict_do_update(index_elements=["sink"], set_=row))
        return True

    async def check(self) -> Found:
        """Say whether the sink confirmed the last shipment, which this process has made; it is sent nothing for this."""
        return Found(self._last)

    async def _deliver(self, records: Sequence[AuditRecord]) -> None:
        try:
            await self._sink.ship(records)
        except Exception:
            self._last = "unavailable"
            raise
        self._last = "ok"

    async def _unshipped(
        self, connection: AsyncConnection, position: Position
    ) -> tuple[Sequence[AuditRecord], Position]:
        events = (
            await connection.execute(
                select(*EVENT_COLUMNS, seals.c.sequence, seals.c.digest)
                .join(seals, seals.c.event_id == AuditEvent.event_id)
                .where(seals.c.sequence > position.sequence)
                .order_by(seals.c.sequence)
                .limit(BATCH)
            )
        ).mappings()
        records = [event_record(dict(event), event["sequence"], event["digest"]) for event in events]
        sequence = max([position.sequence, *(record.body["metadata"]["sequence"] for record in records)])
        # A head goes out after the last event it speaks of.
        statement = select(heads).where(heads.c.number > position.head).order_by(heads.c.number).limit(BATCH)
        if len(records) == BATCH:
            statement = statement.where(heads.c.sequence <= sequence)
        signed = [Head(**row) for row in (await connection.execute(statement)).mappings()]
        records += [head_record(head, self._service, self._version) for head in signed]
        return records, Position(sequence, max([position.head, *(head.number for head in signed)]))


async def read_position(connection: AsyncConnection, name: str) -> Position:
    """Read how far a sink has got."""
    row = (await connection.execute(select(shipments).where(shipments.c.sink == name))).one_or_none()
    return Position(row.sequence, row.head) if row else Position()


async def rest(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, or wake at once when `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
