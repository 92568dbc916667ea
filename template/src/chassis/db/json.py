"""JSON as the database stores and the API answers it."""

from typing import Any

import orjson


def dumps(value: Any) -> str:
    """Serialise for a jsonb column."""
    return dump_bytes(value).decode()


def dump_bytes(value: Any) -> bytes:
    """Serialise messages, models and dataclasses; anything unknown becomes its `repr`, never an error in mid-run.

    Postgres' jsonb cannot hold U+0000 (documentation, 8.14), and a tool may well return it: it becomes U+FFFD.
    """
    data = orjson.dumps(value, _default, orjson.OPT_NON_STR_KEYS)
    if rb"\u0000" in data:
        data = orjson.dumps(_without_nul(orjson.loads(data)))
    return data


def loads(data: str | bytes) -> Any:
    """Read JSON."""
    return orjson.loads(data)


def _default(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return repr(value)


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "\ufffd")
        case list():
            return [_without_nul(item) for item in value]
        case dict():
            return {_without_nul(key): _without_nul(item) for key, item in value.items()}
        case _:
            return value
