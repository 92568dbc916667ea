"""What the contract suite needs from each audit sink: an empty collector, and ways to look into it and to break it.

The module beside this one that is called like the chosen adapter offers them as COLLECTORS, one for each way in which the
sink can ship. The suite asks for nothing else, so it knows no sink by name.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest

from chassis import selected
from chassis.import_strings import load_object
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.audit_sink import AuditRecord
from chassis.selected import AuditSinkSettings


@dataclass(frozen=True)
class Received:
    """A record in the collector: the id where its vendor looks for one, and what was shipped."""

    uid: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Bounds:
    """What the collector takes by its vendor's documents: records and bytes in a call, bytes of one record."""

    records: int
    call_bytes: int
    record_bytes: int


class CollectorUnderTest(Protocol):
    """A collector for the chosen sink; empty when it is made."""

    settings: AuditSinkSettings
    """Settings that lead the adapter to this collector."""

    context: AdapterContext
    """What the adapter is opened with; its secrets hold the collector's token."""

    bounds: Bounds

    @property
    def received(self) -> Sequence[Received]:
        """Give what it has, in order of arrival, what arrived twice twice."""
        ...

    @property
    def calls(self) -> Sequence[int]:
        """Give how many records came with each call that was taken."""
        ...

    @property
    def requests(self) -> int:
        """Count the calls that reached it, taken or not."""
        ...

    def outage(self) -> AbstractContextManager[None]:
        """Make the collector unreachable while the context is open."""
        ...

    def answers(self, status: int, location: str | None = None, *, after: int = 0) -> AbstractContextManager[None]:
        """Answer each call with this status and take nothing, once `after` more calls were taken."""
        ...

    def answers_a_web_page(self) -> AbstractContextManager[None]:
        """Answer each call with success and a page, as a proxy's log-in does, and take nothing."""
        ...

    def hangs(self) -> AbstractContextManager[None]:
        """Answer no call in time."""
        ...

    def takes_a_part(self) -> AbstractContextManager[None]:
        """Take one record less than there is in each call, and say so in the way of this collector's protocol."""
        ...

    def rotate_token(self) -> None:
        """Replace the token, in the collector and where the secret is kept."""
        ...

    def revoke_token(self) -> None:
        """Accept no token any more, neither the one at hand nor another one that can be had."""
        ...

    def delete_token(self) -> None:
        """Remove the token from where the secret is kept."""
        ...

    def tokens(self) -> Sequence[str]:
        """Give every token there ever was, which nobody may be shown."""
        ...


class NoServer:
    """The part of a collector that a sink without a server does not have."""

    @property
    def requests(self) -> int:
        """There are none."""
        return 0

    def answers(self, _status: int, _location: str | None = None, *, after: int = 0) -> NoReturn:
        """There is nobody who answers."""
        pytest.skip(f"this sink has no server that could answer (after {after} calls)")

    def answers_a_web_page(self) -> NoReturn:
        """There is nobody who answers."""
        pytest.skip("this sink has no server that could answer")

    def hangs(self) -> NoReturn:
        """There is nobody to wait for."""
        pytest.skip("this sink has no server that could be slow")

    def takes_a_part(self) -> NoReturn:
        """There is nobody who chooses."""
        pytest.skip("this sink has no server that could choose")

    def rotate_token(self) -> NoReturn:
        """There is none."""
        pytest.skip("this sink has no token")

    def revoke_token(self) -> NoReturn:
        """There is none."""
        pytest.skip("this sink has no token")

    def delete_token(self) -> NoReturn:
        """There is none."""
        pytest.skip("this sink has no token")

    def tokens(self) -> NoReturn:
        """There are none."""
        pytest.skip("this sink has no token")


OpenCollector = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[CollectorUnderTest]]


def collectors() -> dict[str, OpenCollector]:
    """Give the collectors of the chosen sink."""
    found: dict[str, OpenCollector] = load_object(f"{__name__}.{selected.AUDIT_SINK}:COLLECTORS")
    return found


def event(number: int, *, uid: str | None = None, when: dt.datetime | None = None, **details: Any) -> AuditRecord:
    """Make a record as the shipper ships it."""
    digest = uid or f"{number:064x}"
    time = when or dt.datetime.now(dt.UTC)
    body = {
        "class_uid": 6003,
        "time": int(time.timestamp() * 1000),
        "severity_id": 1,
        "status_id": 1,
        "metadata": {"version": "1.8.0", "uid": digest, "event_code": "run.accepted", "sequence": number},
        "actor": {"user": {"uid": "ada", "groups": [{"name": "admin"}]}},
        "resources": [{"type": "run", "uid": f"run-{number}"}],
        "raw_data_hash": {"algorithm_id": 3, "value": digest},
        "unmapped": {"event_id": number, "details": details},
    }
    return AuditRecord(digest, time, body)
