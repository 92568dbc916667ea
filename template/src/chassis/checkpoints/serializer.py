"""Which types a checkpoint may bring back to life: LangGraph's list of harmless ones, and those that the agent names.

LangGraph's serializer leaves a type that is not on its list as the plain data it was made of, and logs that; an agent would
go on with state of another shape. Here it is an error. Pickles and its old JSON form, which can build more, are never read.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from chassis.checkpoints.cipher import ThreadCipher
from chassis.checkpoints.keys import Keyring
from chassis.checkpoints.settings import CheckpointSettings
from chassis.ports.checkpoints import ForeignTypeError, UnknownKeyError
from chassis.ports.secrets import Secret, SecretManager, secret_name

FORMS = ("null", "bytes", "bytearray", "msgpack")
BLOCKED = ("msgpack_blocked", "msgpack_method_blocked")

_blocked: ContextVar[list[str] | None] = ContextVar("blocked", default=None)


class StrictSerializer(JsonPlusSerializer):
    """Reads msgpack alone, and refuses a value with a type that is not on the list."""

    def __init__(self, state_types: Iterable[type]) -> None:
        """Take the agent's own types."""
        super().__init__(pickle_fallback=False, allowed_msgpack_modules=tuple(state_types))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Read a value; raise `ForeignTypeError`."""
        form, _ = data
        if form not in FORMS:
            message = f"A checkpoint holds a value in the form '{form}', which is never read; nothing of it was loaded."
            raise ForeignTypeError(message)
        found: list[str] = []
        token = _blocked.set(found)
        try:
            value = super().loads_typed(data)
        finally:
            _blocked.reset(token)
        if found:
            message = (
                f"A checkpoint holds {', '.join(sorted(set(found)))}, which is not on the list of types that may be read; "
                "if it is the agent's own, name it in AgentSpec.state_types."
            )
            raise ForeignTypeError(message)
        return value


class SealedSerializer(EncryptedSerializer):
    """Encrypts, and reads what is not encrypted only where it is told to."""

    def __init__(self, keys: Keyring, inner: SerializerProtocol, *, accept_unencrypted: bool) -> None:
        """Take the keys and what serializes."""
        super().__init__(ThreadCipher(keys), inner)
        self._accept_unencrypted = accept_unencrypted

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Decrypt and read a value; raise `ForeignTypeError` for one that anybody could have written."""
        if "+" not in data[0] and not self._accept_unencrypted:
            message = (
                "A checkpoint is not encrypted, though there is a key. If it is from before there was one, set "
                "checkpoints.accept_unencrypted for as long as such threads matter."
            )
            raise ForeignTypeError(message)
        return super().loads_typed(data)


class StateSerializer:
    """The serializer of the service's checkpoints; see `chassis.ports.checkpoints.RenewableSerializer`."""

    def __init__(self, serde: SerializerProtocol, keys: Keyring | None) -> None:
        """Take what serializes, and the keys it encrypts with."""
        self.serde = serde
        self._keys = keys

    async def renew(self, error: UnknownKeyError) -> bool:
        """Look for the key."""
        return self._keys is not None and await self._keys.find(error.key_id)


@asynccontextmanager
async def open_serializer(
    settings: CheckpointSettings, state_types: Iterable[type], secrets: SecretManager
) -> AsyncIterator[StateSerializer]:
    """Open the serializer; while it is open, rotated keys are used as they come."""
    strict = StrictSerializer(state_types)
    if settings.encryption_key is None:
        yield StateSerializer(strict, None)
        return
    keys = Keyring(secrets, secret_name(settings.encryption_key))
    await keys.read()

    async def rotated(secret: Secret) -> None:
        keys.accept(secret)

    stop = secrets.on_rotate(secret_name(settings.encryption_key), rotated)
    try:
        sealed = SealedSerializer(keys, strict, accept_unencrypted=settings.accept_unencrypted)
        yield StateSerializer(sealed, keys)
    finally:
        stop()


def _note(event: SerdeEvent) -> None:
    """Keep what LangGraph has left as plain data while this value is read; it tells nobody else."""
    found = _blocked.get()
    if found is not None and event["kind"] in BLOCKED:
        found.append(f"{event['module']}.{event['name']}")


register_serde_event_listener(_note)
