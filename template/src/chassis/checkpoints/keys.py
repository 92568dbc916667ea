"""The keys of checkpoints: several at a time, of which the first encrypts and all decrypt."""

import asyncio
import base64
import binascii
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from chassis.ports.checkpoints import UnknownKeyError
from chassis.ports.errors import ConfigurationError
from chassis.ports.secrets import Secret, SecretManager

KEY_BYTES = 32
PATIENCE_SECONDS = 1.0
"""Another process may use a new key a moment before this one is told of it by the secret manager."""

DERIVED = 4096
"""So many threads' keys are kept at hand; deriving one again takes microseconds."""


class CheckpointKeyError(ConfigurationError):
    """The secret with the keys of checkpoints is not what it must be: 32 random bytes in base64, one or more of them."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its name, which is computed from it, so that nobody has to keep a list."""

    key_id: str
    value: bytes


class Keyring:
    """The keys as the secret holds them now."""

    def __init__(self, secrets: SecretManager, name: str) -> None:
        """Take the name of the secret; `read` reads it for the first time."""
        self._secrets = secrets
        self._name = name
        self._read: Secret | None = None
        self._keys: dict[str, Key] = {}
        self._derived: OrderedDict[tuple[str, str], AESGCM] = OrderedDict()

    @property
    def newest(self) -> str:
        """The id of the key that encrypts."""
        return next(iter(self._keys))

    def of_thread(self, key_id: str, thread_id: str) -> AESGCM:
        """Give the thread's own key, derived from that key; raise `UnknownKeyError`.

        A thread has its own because a key may encrypt 2**32 messages with random nonces (NIST SP 800-38D, 8.3), which a
        busy service writes in days and no thread ever does.
        """
        key = self._keys.get(key_id)
        if key is None:
            message = (
                f"A checkpoint was encrypted with the key {key_id}, which the secret '{self._name}' does not hold "
                f"(it holds {', '.join(self._keys)}); put it back there, after the newer ones."
            )
            raise UnknownKeyError(message, key_id)
        derived = self._derived.get((key_id, thread_id))
        if derived is None:
            info = b"chassis checkpoints, one thread\0" + thread_id.encode()
            derived = AESGCM(HKDFExpand(SHA256(), KEY_BYTES, info).derive(key.value))
            self._derived[key_id, thread_id] = derived
            while len(self._derived) > DERIVED:
                self._derived.popitem(last=False)
        return derived

    async def read(self) -> None:
        """Read the secret."""
        self.accept(await self._secrets.get(self._name))

    async def find(self, key_id: str) -> bool:
        """Read the secret anew, and once more after a second, for a key that is not known; say whether it is now."""
        for pause in (0.0, PATIENCE_SECONDS):
            await asyncio.sleep(pause)
            if key_id in self._keys:
                return True
            self._secrets.invalidate(self._name, self._read)
            await self.read()
        return key_id in self._keys

    def accept(self, secret: Secret) -> None:
        """Use these keys from now on."""
        if secret == self._read:
            return
        keys = parse_keys(secret)
        self._read, self._keys = secret, {key.key_id: key for key in keys}
        self._derived = OrderedDict(item for item in self._derived.items() if item[0][0] in self._keys)


def parse_keys(secret: Secret) -> list[Key]:
    """Read the keys, which stand one a line, or with white space between them; raise `CheckpointKeyError`."""
    keys = []
    for place, word in enumerate(secret.reveal().split(), start=1):
        try:
            value = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            value = b""
        if len(value) != KEY_BYTES:
            message = (
                f"Key {place} in the secret '{secret.name}' is not {KEY_BYTES} bytes in base64; make one with "
                f"`openssl rand -base64 {KEY_BYTES}`, and put several one a line, the newest first."
            )
            raise CheckpointKeyError(message)
        keys.append(Key(hashlib.sha256(b"chassis checkpoints, key id\0" + value).hexdigest()[:12], value))
    if not keys:
        raise CheckpointKeyError
    return keys
