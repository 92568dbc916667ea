"""Calls within a collector's limits, whatever is to be shipped; and records that are longer than it takes."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
from tests.support.audit_sink import event

from chassis.adapters.audit_sink._batches import Limits, split
from chassis.adapters.audit_sink._shorten import encoded, shortened
from chassis.ports.audit_sink import AuditRecord


def dice(seeds: int) -> Iterator[random.Random]:
    """Give sources of chance, the same in every run."""
    return (random.Random(seed) for seed in range(seeds))  # noqa: S311 - not for cryptography


def body(call: list[bytes]) -> bytes:
    """Write a call as the adapters do."""
    return b"[" + b",".join(call) + b"]"


def encode(record: AuditRecord) -> bytes:
    return orjson.dumps(record.body)


def test_every_entry_is_in_one_call_in_order_and_no_call_is_beyond_the_limits() -> None:
    for die in dice(1000):
        limits = Limits(die.randint(1, 12), die.randint(20, 300), record_bytes=die.randint(1, 400))
        entries = [b"x" * die.randint(1, limits.record_bytes) for _ in range(die.randint(0, 60))]
        calls = list(split(iter(entries), limits, len))
        assert [entry for call in calls for entry in call] == entries
        assert all(1 <= len(call) <= limits.records for call in calls)
        assert all(len(body(call)) <= limits.call_bytes or len(call) == 1 for call in calls)


def test_a_call_ends_only_where_the_next_entry_would_be_too_much() -> None:
    for die in dice(1000):
        limits = Limits(die.randint(1, 12), die.randint(20, 300), record_bytes=100)
        calls = list(split([b"x" * die.randint(1, 100) for _ in range(40)], limits, len))
        for call, following in pairwise(calls):
            full = len(call) == limits.records
            assert full or len(body([*call, following[0]])) + 1 > limits.call_bytes


def test_entries_are_read_as_calls_are_made() -> None:
    read = []

    def entries() -> Any:
        for number in range(10):
            read.append(number)
            yield b"x"

    next(split(entries(), Limits(3, 1000, 1000), len))
    assert len(read) == 4


def test_a_record_that_fits_is_left_alone() -> None:
    record = event(1, text="x" * 500)
    length = len(encode(record))
    assert encoded(record, encode, len, length) == encode(record)
    assert encoded(record, encode, len, length - 1) != encode(record)


def anything(die: random.Random, depth: int) -> Any:
    choice = die.randrange(6 if depth else 4)
    if choice == 4:
        return [anything(die, depth - 1) for _ in range(die.randint(0, 40))]
    if choice == 5:
        return {f"{number}": anything(die, depth - 1) for number in range(die.randint(0, 10))}
    return [None, die.random(), die.randint(-(2**53), 2**53), die.choice('x"ü\U0001f642\n\u0001') * 2000][choice]


def test_a_shortened_record_is_short_whatever_it_was_and_keeps_what_identifies_it() -> None:
    for die in dice(40):
        record = event(1, **{f"d{number}": anything(die, 3) for number in range(4)})
        record.body["resources"] = [{"type": "run", "uid": "r" * die.randint(0, 200_000)}]
        record.body["actor"]["user"]["groups"] = [{"name": "g" * 3000} for _ in range(die.randint(0, 200))]
        before = orjson.dumps(record.body)
        short = shortened(record, len(before))
        assert len(orjson.dumps(short.body)) < 20_000
        assert orjson.dumps(record.body) == before, "the record itself is shipped again when this fails"
        assert (short.uid, short.time) == (record.uid, record.time)
        assert short.body["raw_data_hash"] == record.body["raw_data_hash"]
        assert short.body["metadata"]["uid"] == record.uid
        assert short.body["metadata"]["is_truncated"] is True
        assert 0 <= short.body["metadata"]["untruncated_size"] * 1000 - len(before) < 1000
