"""The audit log's small pieces: what is hashed, what is signed, what is refused."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from chassis.audit.canonical import COLUMNS, canonical, digest_of
from chassis.audit.signing import Head, SigningKey, SigningKeyError
from chassis.commands.audit import read_heads
from chassis.ports.errors import ConfigurationError
from chassis.ports.secrets import Secret

NOW = dt.datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=dt.UTC)
EVENT: dict[str, Any] = {
    "event_id": 1,
    "tenant_id": "acme",
    "owner_id": "ada",
    "created_at": NOW,
    "action": "thing.counted",
    "resource": "thing/1",
    "outcome": "success",
    "details": {"number": 1},
    "context": {},
}
OTHER: dict[str, Any] = {
    **EVENT,
    "event_id": 2,
    "created_at": NOW + dt.timedelta(microseconds=1),
    "details": {"number": 1.5},
    "context": {"x": None},
}
KEY = SigningKey(bytes(range(32)))


def test_the_canonical_form_is_that_of_the_standard() -> None:
    # RFC 8785, 3.2.4, written as the JSON that its example is.
    example = json.loads(
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(example) == expected.encode()


@pytest.mark.parametrize("value", [2**53, -(2**63), 10**40, float("inf"), float("nan"), b"x", {1: 2}, (1, 2)])
def test_nothing_stops_the_sealer(value: Any) -> None:
    assert canonical({"value": value})


@pytest.mark.parametrize("name", COLUMNS)
def test_the_digest_covers_every_column(name: str) -> None:
    value = OTHER[name] if OTHER[name] != EVENT[name] else f"{EVENT[name]}x"
    assert digest_of({**EVENT, name: value}) != digest_of(EVENT)


@pytest.mark.parametrize(
    "change", [{"number": 2}, {"sequence": 8}, {"chain": bytes(32)}, {"signed_at": NOW + dt.timedelta(seconds=1)}]
)
def test_a_head_that_was_changed_is_not_signed(change: dict[str, Any]) -> None:
    head = KEY.sign(1, 7, b"x" * 32, NOW)
    assert KEY.public.signed(head)
    values = {name: getattr(head, name) for name in ("number", "sequence", "chain", "signed_at", "key_id", "signature")}
    assert not KEY.public.signed(Head(**{**values, **change}))
    assert not SigningKey(bytes(32)).public.signed(head)


def test_a_head_survives_its_way_through_json() -> None:
    head = KEY.sign(1, 7, b"x" * 32, NOW)
    assert Head.from_json(json.loads(json.dumps(head.to_json()))) == head


@pytest.mark.parametrize("value", ["", "short", base64.b64encode(bytes(31)).decode(), "ü" * 44])
def test_a_key_that_is_none_is_one_sentence(value: str) -> None:
    with pytest.raises(SigningKeyError, match="openssl rand -base64 32"):
        SigningKey.from_secret(Secret("audit_signing_key", value))


def test_a_key_is_not_shown() -> None:
    seed = base64.b64encode(bytes(range(32))).decode()
    key = SigningKey.from_secret(Secret("audit_signing_key", seed))
    assert seed not in f"{key!r} {key} {vars(key)}"


@pytest.mark.parametrize("content", ["", "no json", "[1]", '{"unmapped": {}}', '{"chain": "x"}'])
def test_a_file_without_heads_is_one_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "heads"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match="head"):
        read_heads(file)
