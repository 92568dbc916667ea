"""A record that is longer than its collector takes: shipped without its details, and marked so.

It must not be lost, nor hold up all that come after it. What is left says who did what to which thing and when, has the
digest of the whole event, under which the database's copy is found and verified, and says that it is not whole: OCSF's
`metadata.is_truncated` and `metadata.untruncated_size` (object `metadata` of the schema that audit/ocsf.py names).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from chassis.ports.audit_sink import AuditRecord

log = structlog.get_logger()

Entry = TypeVar("Entry")

LONGEST_TEXT = 256
MOST_ITEMS = 20


def encoded(
    record: AuditRecord, encode: Callable[[AuditRecord], Entry], size: Callable[[Entry], int], limit: int
) -> Entry:
    """Encode the record; without its details if it would otherwise be longer than `limit` bytes."""
    entry = encode(record)
    length = size(entry)
    if length <= limit:
        return entry
    log.warning("audit.record_shortened", uid=record.uid, bytes=length, limit=limit)
    return encode(shortened(record, length))


def shortened(record: AuditRecord, length: int) -> AuditRecord:
    """Leave the details out and cut long texts and lists, which makes it a few kilobytes whatever it was."""
    unmapped = {name: value for name, value in record.body.get("unmapped", {}).items() if name != "details"}
    body: dict[str, Any] = _cut({**record.body, "unmapped": unmapped})
    # In kilobytes, as the schema says; rounded up.
    body["metadata"] = {**body["metadata"], "is_truncated": True, "untruncated_size": -(-length // 1000)}
    return AuditRecord(record.uid, record.time, body)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list):
        return [_cut(item) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return value
