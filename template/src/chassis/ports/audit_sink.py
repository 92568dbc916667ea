"""Where the audit log is sent, so that a copy of it lies outside the reach of whoever owns the database."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event, or one signed head, on its way out.

    uid: the same for each copy of a record, however often it is delivered; also in `body["metadata"]["uid"]`.
    body: OCSF-shaped JSON, already in plain JSON types.
    """

    uid: str
    time: dt.datetime
    body: dict[str, Any]


class AuditSink(Protocol):
    """A collector outside the service."""

    async def ship(self, records: Sequence[AuditRecord]) -> None:
        """Deliver the records in order and return when the collector has confirmed them all.

        Raise `UnavailableError` in a sentence otherwise; the same records, and perhaps more, are then shipped again, so
        the collector may see a record twice, and never none. Splits what is too much for one call by the collector's limits.
        """
        ...
