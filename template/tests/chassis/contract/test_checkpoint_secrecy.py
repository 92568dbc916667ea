"""What lies in the chosen state store is unreadable, cannot be exchanged, and brings back no foreign type."""

import asyncio
import base64
import os
from dataclasses import make_dataclass
from typing import Any
from uuid import uuid4

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from tests.support.checkpoints import Keys, checkpoints_on, config_of, growing_graph
from tests.support.state_store import StateStore
from tests.support.state_types import Note, Place, Urgency

from chassis.checkpoints.cipher import CheckpointAlteredError
from chassis.checkpoints.keys import CheckpointKeyError, parse_keys
from chassis.ports.checkpoints import Checkpoints, ForeignTypeError, UnknownKeyError
from chassis.ports.secrets import Secret

pytestmark = pytest.mark.slow

CANARY = "what-nobody-may-read"


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


async def run(checkpoints: Checkpoints, thread_id: str, steps: int = 1) -> dict[str, Any]:
    given = {"steps": steps, "word": CANARY, "messages": [CANARY]}
    return await growing_graph(checkpoints.saver).ainvoke(given, config_of(thread_id), durability="sync")


async def test_nothing_of_the_state_lies_there_in_the_clear(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        await run(checkpoints, thread_id)
    assert CANARY.encode() in await state_store.raw(), "the canary would be seen if it were there"
    await state_store.forget()
    async with checkpoints_on(state_store, Keys(new_key())) as checkpoints:
        state = await run(checkpoints, thread_id, 2)
        await checkpoints.saver.aput_writes(
            (await checkpoints.saver.aget_tuple(config_of(thread_id))).config,  # type: ignore[union-attr]
            [("__error__", CANARY)],
            "task",
        )
        raw = await state_store.raw()
        assert raw
        assert CANARY.encode() not in raw
        found = await checkpoints.saver.aget_tuple(config_of(thread_id))
    assert found is not None
    assert found.checkpoint["channel_values"]["messages"] == state["messages"]
    assert ("task", "__error__", CANARY) in (found.pending_writes or [])


async def test_keys_are_rotated_while_the_service_runs(state_store: StateStore) -> None:
    first, second = new_key(), new_key()
    keys, late = Keys(first), Keys(first)
    thread_id = str(uuid4())
    async with checkpoints_on(state_store, keys) as checkpoints, checkpoints_on(state_store, late, ttl=300) as other:
        await run(checkpoints, thread_id)
        keys.keys = (second, first)
        fresh = str(uuid4())
        async with asyncio.timeout(60):
            while _id_of(second) not in (await state_store.raw()).decode("latin-1"):
                await run(checkpoints, fresh)
                await asyncio.sleep(0.05)
        assert (await run(checkpoints, thread_id, 2))["done"] == 2, "the old key still reads"
        late.keys = (second, first)
        assert (await run(other, fresh, 2))["done"], "a process that has not heard of the new key asks for it"


def _id_of(key: str) -> str:
    return parse_keys(Secret("key", key))[0].key_id


async def test_a_key_that_is_gone_is_one_sentence(state_store: StateStore) -> None:
    gone, present = new_key(), new_key()
    thread_id = str(uuid4())
    async with checkpoints_on(state_store, Keys(gone)) as checkpoints:
        await run(checkpoints, thread_id)
    async with checkpoints_on(state_store, Keys(present)) as checkpoints:
        with pytest.raises(
            UnknownKeyError, match=rf"the key {_id_of(gone)}, which the secret 'checkpoint_key'"
        ) as caught:
            await checkpoints.saver.aget_tuple(config_of(thread_id))
    assert gone not in str(caught.value)
    assert present not in str(caught.value)


@pytest.mark.parametrize("value", ["", "short", base64.b64encode(b"16 bytes, not 32").decode(), "hunter2 is no key"])
def test_a_key_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(CheckpointKeyError) as caught:
        parse_keys(Secret("checkpoint_key", value))
    assert "hunter2" not in str(caught.value)


async def test_what_was_encrypted_for_one_thread_is_worth_nothing_in_another(state_store: StateStore) -> None:
    mine, yours = str(uuid4()), str(uuid4())
    async with checkpoints_on(state_store, Keys(new_key())) as checkpoints:
        await run(checkpoints, mine)
        await state_store.move(mine, yours)
        with pytest.raises(CheckpointAlteredError):
            await checkpoints.saver.aget_tuple(config_of(yours))


@pytest.mark.parametrize("change", ["a bit", "cut off", "another cipher"])
async def test_altered_bytes_are_not_read(state_store: StateStore, change: str) -> None:
    thread_id = str(uuid4())

    def altered(form: str, content: bytes) -> tuple[str, bytes]:
        if change == "a bit":
            return form, content[:-1] + bytes([content[-1] ^ 1])
        return (form, content[:10]) if change == "cut off" else (form.replace("aes256gcm", "rot13"), content)

    async with checkpoints_on(state_store, Keys(new_key())) as checkpoints:
        await run(checkpoints, thread_id)
        await state_store.alter(thread_id, altered)
        with pytest.raises(CheckpointAlteredError):
            await checkpoints.saver.aget_tuple(config_of(thread_id))


async def test_where_there_is_a_key_nothing_unencrypted_is_read_unless_it_was_said(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        await run(checkpoints, thread_id)
    keys = Keys(new_key())
    async with checkpoints_on(state_store, keys) as checkpoints:
        with pytest.raises(ForeignTypeError, match="accept_unencrypted"):
            await checkpoints.saver.aget_tuple(config_of(thread_id))
    async with checkpoints_on(state_store, keys, accept_unencrypted=True) as checkpoints:
        assert (await run(checkpoints, thread_id, 2))["done"] == 2


def planted(value: Any) -> Any:
    """Make what replaces each value by this one, as LangGraph itself would write it."""
    return lambda _form, _content: JsonPlusSerializer().dumps_typed(value)


def calling(module: str, name: str) -> Any:
    """Make what replaces each value by a call of this: LangGraph writes down where an object's class says it is from."""
    return planted(make_dataclass(name, [], namespace={"__module__": module})())


@pytest.mark.parametrize(
    "change",
    [
        planted(Place(town="Ulm")),
        planted([{"deep": Note("inside", Urgency.HIGH)}]),
        planted([{1, 2}, Urgency.HIGH]),
        calling("os", "system"),
        calling("builtins", "eval"),
        lambda _form, _content: ("pickle", b"\x80\x04N."),
        lambda _form, _content: ("json", b'{"lc":2,"type":"constructor","id":["os","system"],"args":["true"]}'),
    ],
    ids=["pydantic", "deep inside", "enum", "os.system", "eval", "pickle", "json"],
)
async def test_a_foreign_type_in_a_checkpoint_is_refused(state_store: StateStore, change: Any) -> None:
    thread_id = str(uuid4())
    async with checkpoints_on(state_store) as checkpoints:
        await run(checkpoints, thread_id)
        await state_store.alter(thread_id, change)
        with pytest.raises(ForeignTypeError):
            await checkpoints.saver.aget_tuple(config_of(thread_id))


async def test_types_that_the_agent_names_come_back_as_they_were(state_store: StateStore) -> None:
    thread_id = str(uuid4())
    names = tuple(f"tests.support.state_types:{one.__name__}" for one in (Note, Place, Urgency))
    value = [Note("inside", Urgency.HIGH), Place(town="Ulm")]
    async with checkpoints_on(state_store, state_types=names) as checkpoints:
        await run(checkpoints, thread_id)
        await state_store.alter(thread_id, planted(value))
        found = await checkpoints.saver.aget_tuple(config_of(thread_id))
    assert found is not None
    assert found.checkpoint["channel_values"]["messages"] == value
