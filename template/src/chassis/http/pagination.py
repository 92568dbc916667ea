"""Cursor pagination: stable while rows come and go, unlike offsets."""

import base64
import binascii
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field, TypeAdapter

from chassis.db import json
from chassis.http.boundary import Boundary, DataClass
from chassis.ports.errors import InvalidRequestError

T = TypeVar("T")


class Page(Boundary, Generic[T]):
    """One page of a list."""

    data_class: ClassVar[DataClass] = "internal"

    items: list[T]
    next_cursor: str | None = Field(None, description="pass it as `cursor` for the next page; null on the last one")


def encode_cursor(*position: Any) -> str:
    """Make an opaque cursor from the sort key of the page's last row."""
    return base64.urlsafe_b64encode(json.dump_bytes(list(position))).decode().rstrip("=")


def decode_cursor(cursor: str, *types: Any) -> list[Any]:
    """Read a cursor whose parts have these types; raise `InvalidRequestError` when it is not one of ours."""
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [TypeAdapter[Any](kind).validate_python(part) for kind, part in zip(types, position, strict=True)]
    except (ValueError, TypeError, binascii.Error) as error:
        message = "The cursor is not one this endpoint gave out; start again without it."
        raise InvalidRequestError(message) from error
