"""The bytes that are hashed: the JSON Canonicalization Scheme (RFC 8785) of an event's row, and the chain over them."""

import datetime as dt
import hashlib
import math
from collections.abc import Mapping
from typing import Any

import rfc8785

GENESIS = bytes(32)
"""What the first event is chained to."""

# Integers beyond these are not exact in every JSON reader (RFC 8785, 3.2.2.3 and appendix D; RFC 7493, 2.2).
EXACT = 2**53 - 1

COLUMNS = (
    "event_id",
    "tenant_id",
    "owner_id",
    "created_at",
    "action",
    "resource",
    "outcome",
    "details",
    "context",
)
"""The columns of an event that its digest covers, which is all of them."""


def digest_of(event: Mapping[str, Any]) -> bytes:
    """Hash an event's row with SHA-256."""
    return hashlib.sha256(canonical({name: event[name] for name in COLUMNS})).digest()


def chained(previous: bytes, digest: bytes) -> bytes:
    """Hash the chain so far together with the next digest."""
    return hashlib.sha256(previous + digest).digest()


def canonical(value: Any) -> bytes:
    """Give the canonical form; never fails on what the database can hold, so that no event can stop the sealer."""
    return rfc8785.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """Give what RFC 8785 can write; what it cannot becomes a string."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    exact = isinstance(value, int) and abs(value) <= EXACT
    if value is None or isinstance(value, str) or exact or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
