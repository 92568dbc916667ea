"""What is fuzzed: each takes bytes, and may refuse them in its own words, but never fail in another way."""

import json
from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from chassis.audit.canonical import canonical
from chassis.http.schemas import RunCreate, ThreadCreate, ThreadSearch, ThreadUpdate
from chassis.ports.errors import ChassisError

REQUESTS: tuple[type[BaseModel], ...] = (RunCreate, ThreadCreate, ThreadSearch, ThreadUpdate)
SEEDS = (
    b"{}",
    b'{"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": "How many?"}]}, "stream_mode": ["values"]}',
    b'{"thread_id": "00000000-0000-4000-8000-000000000000", "metadata": {"a": [1, 2.5, null, true]}}',
    b'{"metadata": {"a": 9007199254740993, "b": -0.0, "c": "\\ud83d\\ude00"}, "limit": 10}',
    b'{"webhook": "https://example.com", "after_seconds": 1}',
    b"\xff\x00[",
)


def requests(data: bytes) -> None:
    """A body is a request or is refused."""
    for model in REQUESTS:
        try:
            accepted = model.model_validate_json(data)
        except (ValidationError, ChassisError):
            continue
        again = model.model_validate_json(accepted.model_dump_json())
        assert again.model_dump_json() == accepted.model_dump_json()


def canonical_form(data: bytes) -> None:
    """Whatever JSON the database can hold has a form that is JSON, and the same one when it comes with its keys in another order."""
    try:
        value = json.loads(data)
        data.decode().encode("utf-8")
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return
    form = canonical(value)
    json.loads(form)
    if isinstance(value, dict):
        assert canonical(dict(reversed(value.items()))) == form


TARGETS: tuple[Callable[[bytes], None], ...] = (requests, canonical_form)
