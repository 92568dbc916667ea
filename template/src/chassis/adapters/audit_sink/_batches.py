"""Cutting what is to be shipped into calls that a collector takes, by the number of records and by bytes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a collector takes.

    records: the most records in one call.
    call_bytes: the longest body of a call, with all that frames the records.
    record_bytes: the longest record, as it is written in a call.
    frame: how long a call's body is before the first record.
    between: what each record adds to a call besides itself, such as a comma.
    """

    records: int
    call_bytes: int
    record_bytes: int
    frame: int = 2
    between: int = 1


def split(entries: Iterable[Entry], limits: Limits, size: Callable[[Entry], int]) -> Iterator[list[Entry]]:
    """Give the entries in order, in calls within the limits; one that is alone too long gets a call of its own.

    Reads the entries as the calls are made, so that no more than one call's worth is in memory.
    """
    call: list[Entry] = []
    used = limits.frame
    for entry in entries:
        needed = size(entry) + limits.between
        if call and (len(call) >= limits.records or used + needed > limits.call_bytes):
            yield call
            call, used = [], limits.frame
        call.append(entry)
        used += needed
    if call:
        yield call
