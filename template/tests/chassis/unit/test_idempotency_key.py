"""Which keys there are, and when two requests are the same."""

import pytest

from chassis.http.idempotency import InvalidKeyError, fingerprint, parse_key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (r'"a \"b\" \\ c"', r'a "b" \ c'),
        ('"a;b,c"', "a;b,c"),
        (f'"{"x" * 255}"', "x" * 255),
    ],
)
def test_a_key_is_a_string_with_or_without_quotation_marks(header: str, key: str) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        '"',
        '"a',
        'a"',
        '"a"b"',
        '"a";p=1',
        '"a", "b"',
        "a,b",
        "a;b",
        "a b",
        r'"\a"',
        '"ä"',
        '"\x7f"',
        "x" * 256,
    ],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(InvalidKeyError, match="1 to 255 visible ASCII characters"):
        parse_key(header)


def test_the_same_request_has_the_same_fingerprint_and_no_other_has() -> None:
    same = fingerprint("POST", "/runs", b'{"a": 1, "b": [2]}')
    assert fingerprint("POST", "/runs", b'{"b":[2],"a":1}') == same
    others = [
        fingerprint("POST", "/runs/wait", b'{"a": 1, "b": [2]}'),
        fingerprint("PUT", "/runs", b'{"a": 1, "b": [2]}'),
        fingerprint("POST", "/runs", b'{"a": 1, "b": [3]}'),
        fingerprint("POST", "/runs", b"no JSON"),
        fingerprint("POST", "/runs", b""),
    ]
    assert len({same, *others}) == 6
