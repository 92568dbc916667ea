"""Verifying the log: recomputing every digest and the chain, and comparing both with the signed heads.

What a head from outside the database adds (`--head`): whoever holds the database can undo everything since the last head,
heads included, so a shortened tail is only seen by whoever kept a newer head.
"""

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.audit.canonical import GENESIS, chained, digest_of
from chassis.audit.seal import EVENT_COLUMNS
from chassis.audit.signing import Head, PublicKey
from chassis.audit.tables import AuditEvent, heads, seals, unsealed

BATCH = 1000
PROBLEMS_SHOWN = 20


@dataclass
class Report:
    """What was found. `problems` is empty when the log is whole; `reached` is the number of the last seal."""

    sealed: int = 0
    reached: int = 0
    unsealed: int = 0
    newest: Head | None = None
    now: dt.datetime | None = None
    problems: list[str] = field(default_factory=list)

    def found(self, problem: str) -> None:
        """Add a problem; a flood of them is cut, since the first says where to look."""
        if len(self.problems) < PROBLEMS_SHOWN:
            self.problems.append(problem)
        elif len(self.problems) == PROBLEMS_SHOWN:
            self.problems.append("... and more.")


async def verify(
    connection: AsyncConnection,
    keys: Mapping[str, PublicKey],
    outside: Sequence[Head] = (),
    head_seconds: float = 60.0,
) -> Report:
    """Verify everything on one snapshot (the caller's transaction is repeatable read); `keys` are those to be trusted."""
    report = Report()
    report.now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    inside = [Head(**row) for row in (await connection.execute(select(heads).order_by(heads.c.number))).mappings()]
    expected = {head.sequence: b"" for head in (*inside, *outside)}
    expected[0] = GENESIS
    await _walk(connection, report, expected)
    await _look_for_the_unsealed(connection, report)
    _check_heads(report, inside, keys, expected)
    _check_outside(report, outside, keys, expected)
    _check_age(report, head_seconds)
    return report


async def _walk(connection: AsyncConnection, report: Report, expected: dict[int, bytes]) -> None:
    """Follow the chain; `expected` gets the hash that was recomputed for each sequence it asks for."""
    chain, sequence = GENESIS, 0
    async for row in _sealed(connection):
        if row["sequence"] != sequence + 1:
            report.found(f"Seal {sequence + 1} is missing: the chain goes on with seal {row['sequence']}.")
        sequence = report.reached = row["sequence"]
        report.sealed += 1
        if row["event_id"] is None:
            report.found(f"Event {row['sealed_event']}, sealed as {sequence}, was deleted.")
        elif digest_of(dict(row)) != row["digest"]:
            when = f"{row['created_at']:%Y-%m-%d %H:%M:%S}"
            report.found(
                f"Event {row['event_id']}, sealed as {sequence}, was changed after it was sealed "
                f"({row['action']} {row['resource']}, {when})."
            )
        if chained(chain, row["digest"]) != row["chain"]:
            report.found(
                f"Seal {sequence} does not follow from the one before it: seals were changed or put in another order."
            )
        chain = row["chain"]
        if sequence in expected:
            expected[sequence] = chain


async def _sealed(connection: AsyncConnection) -> AsyncIterator[RowMapping]:
    statement = (
        select(*EVENT_COLUMNS, seals.c.sequence, seals.c.digest, seals.c.chain, seals.c.event_id.label("sealed_event"))
        .select_from(seals.outerjoin(AuditEvent.__table__, seals.c.event_id == AuditEvent.event_id))
        .order_by(seals.c.sequence)
        .execution_options(yield_per=BATCH)
    )
    async with connection.stream(statement) as result:
        async for row in result.mappings():
            yield row


async def _look_for_the_unsealed(connection: AsyncConnection, report: Report) -> None:
    report.unsealed = await connection.scalar(select(func.count()).select_from(unsealed)) or 0
    gone = select(unsealed.c.event_id).where(
        ~select(AuditEvent.event_id).where(AuditEvent.event_id == unsealed.c.event_id).exists()
    )
    for event_id in (await connection.scalars(gone.order_by(unsealed.c.event_id))).all():
        report.found(f"Event {event_id} was deleted before it was sealed.")
    hidden = select(AuditEvent.event_id).where(
        ~select(seals.c.sequence).where(seals.c.event_id == AuditEvent.event_id).exists(),
        ~select(unsealed.c.event_id).where(unsealed.c.event_id == AuditEvent.event_id).exists(),
    )
    for event_id in (await connection.scalars(hidden.order_by(AuditEvent.event_id))).all():
        report.found(f"Event {event_id} is in no seal and was withheld from the sealer: it was inserted past the log.")


def _check_heads(
    report: Report, inside: Sequence[Head], keys: Mapping[str, PublicKey], chains: Mapping[int, bytes]
) -> None:
    number = 0
    for head in inside:
        if head.number != number + 1:
            report.found(f"Head {number + 1} is missing.")
        number = head.number
        _check_head(report, head, keys, chains, "Head")
    report.newest = inside[-1] if inside else None
    if not inside and report.sealed:
        report.found("There are seals and no signed head: heads were deleted, or nothing was ever signed.")
    if report.newest is not None and report.newest.key_id not in keys:
        report.found(f"The newest head is signed with key {report.newest.key_id}, which is not the one in use.")


def _check_outside(
    report: Report, outside: Sequence[Head], keys: Mapping[str, PublicKey], chains: Mapping[int, bytes]
) -> None:
    for head in outside:
        if head.key_id not in keys and report.newest is None:
            report.found(f"Head {head.number} from outside is signed with key {head.key_id}, which is not known.")
        _check_head(report, head, keys, chains, "Kept head")


def _check_head(
    report: Report, head: Head, keys: Mapping[str, PublicKey], chains: Mapping[int, bytes], what: str
) -> None:
    key = keys.get(head.key_id)
    if key is not None and not key.signed(head):
        report.found(f"{what} {head.number} has a signature that is not its own.")
    if head.sequence > report.reached:
        report.found(
            f"{what} {head.number} of {head.signed_at:%Y-%m-%d %H:%M:%S} covers {head.sequence} events, but only "
            f"{report.reached} are there: the tail was cut off."
        )
    elif chains.get(head.sequence) != head.chain:
        report.found(
            f"{what} {head.number} of {head.signed_at:%Y-%m-%d %H:%M:%S} does not agree with the chain at "
            f"{head.sequence}: it was rewritten."
        )


def _check_age(report: Report, head_seconds: float) -> None:
    if report.newest is None or report.now is None:
        return
    age = (report.now - report.newest.signed_at).total_seconds()
    if age > 2 * head_seconds:
        report.found(
            f"The newest head is {age:.0f} s old, though one is signed every {head_seconds:.0f} s: the sealer does not "
            "run (python -m chassis audit keep), or newer heads were deleted."
        )


def trusted(keys: Iterable[PublicKey]) -> dict[str, PublicKey]:
    """Index keys by their id."""
    return {key.key_id: key for key in keys}
