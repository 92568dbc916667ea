"""The header Idempotency-Key, as draft-ietf-httpapi-idempotency-key-header-07 (15 October 2025) has it.

Beyond the draft, a key without quotation marks is taken for the same key with them, since most clients send it so.
"""

import hashlib
import re
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request

from chassis.http.dependencies import container_of
from chassis.jobs.idempotency import Idempotency
from chassis.ports.errors import InvalidRequestError

MAX_KEY = 255
# RFC 9651, 3.3.3: a string is visible ASCII and spaces between quotation marks; \ stands before \ and ".
QUOTED = re.compile(r'\A"((?:[ !#-\[\]-~]|\\["\\])*)"\Z')
BARE = re.compile(r"\A[!#-+\--:<-\[\]-~]+\Z")

KeyHeader = Annotated[
    str | None,
    Header(alias="Idempotency-Key", description="a new one, such as a UUID, for each request; the same to repeat one"),
]


class InvalidKeyError(InvalidRequestError):
    """An Idempotency-Key is one string of 1 to 255 visible ASCII characters, such as "8e03978e-40d5-43dd-bc93-6894a57f9324"."""


async def idempotency_of(request: Request, _shown: KeyHeader = None) -> Idempotency:
    """Read the header; `_shown` is there for the API's description."""
    sent = request.headers.getlist("idempotency-key")
    if not sent:
        return Idempotency()
    if len(sent) > 1:
        raise InvalidKeyError
    keep = container_of(request).settings.runs.idempotency_seconds
    return Idempotency(
        parse_key(sent[0]), fingerprint(request.method, str(request.url.path), await request.body()), keep
    )


def parse_key(header: str) -> str:
    """Read the header's value; raise `InvalidKeyError` when it is none."""
    text = header.strip(" ")
    if quoted := QUOTED.match(text):
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    elif BARE.match(text):
        key = text
    else:
        raise InvalidKeyError
    if not 0 < len(key) <= MAX_KEY:
        raise InvalidKeyError
    return key


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Identify a request: its method, path and body, where JSON's white space and the order of its keys do not matter."""
    try:
        canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        canonical = body
    return hashlib.sha256(f"{method} {path}\n".encode() + canonical).hexdigest()


IdempotencyDependency = Annotated[Idempotency, Depends(idempotency_of)]
