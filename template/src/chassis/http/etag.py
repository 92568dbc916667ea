"""Entity tags: what a client read, and whether it still stands (RFC 9110, sections 8.8.3 and 13.1)."""

import hashlib
from typing import Annotated

from fastapi import Header, Request, Response

from chassis.ports.errors import PreconditionFailedError, PreconditionRequiredError


def etag_of(*parts: object) -> str:
    """Make a strong tag from whatever identifies a version, such as an id and a version number."""
    digest = hashlib.sha256("\x00".join(str(part) for part in parts).encode()).hexdigest()
    return f'"{digest[:32]}"'


def not_modified(request: Request, response: Response, etag: str) -> bool:
    """Set the tag, and say whether the client already has this version (answer 304 then)."""
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    sent = request.headers.get("if-none-match", "")
    candidates = {candidate.strip().removeprefix("W/") for candidate in sent.split(",")}
    return "*" in candidates or etag in candidates


IfMatch = Annotated[str | None, Header(alias="If-Match", description="the ETag of the version you read")]


def if_match(header: str | None, etag: str) -> None:
    """Raise unless the client's If-Match names the present version: no one's change is overwritten unseen."""
    if header is None:
        raise PreconditionRequiredError
    if etag not in {candidate.strip() for candidate in header.split(",")}:
        raise PreconditionFailedError
