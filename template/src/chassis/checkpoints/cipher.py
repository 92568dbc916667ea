"""AES-256-GCM around each serialized value of a checkpoint."""

import os

from cryptography.exceptions import InvalidTag
from langgraph.checkpoint.serde.base import CipherProtocol

from chassis.checkpoints.keys import Keyring
from chassis.ports.checkpoints import current_thread
from chassis.ports.errors import ChassisError

CIPHER = "aes256gcm"
NONCE_BYTES = 12


class CheckpointAlteredError(ChassisError):
    """A checkpoint was altered, or belongs to another thread: it cannot be decrypted, and nothing of it was loaded."""


class ThreadCipher(CipherProtocol):
    """Encrypts for the present thread; the cipher's name, which is stored beside each value, names the key."""

    def __init__(self, keys: Keyring) -> None:
        """Take the keys."""
        self._keys = keys

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        """Encrypt with the newest key."""
        name = f"{CIPHER}-{self._keys.newest}"
        nonce = os.urandom(NONCE_BYTES)
        thread_id = current_thread.get()
        key = self._keys.of_thread(self._keys.newest, thread_id)
        return name, nonce + key.encrypt(nonce, plaintext, _bound_to(name, thread_id))

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        """Decrypt; raise `UnknownKeyError` or `CheckpointAlteredError`."""
        cipher, _, key_id = ciphername.partition("-")
        if cipher != CIPHER:
            raise CheckpointAlteredError
        thread_id = current_thread.get()
        key = self._keys.of_thread(key_id, thread_id)
        nonce, sealed = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
        try:
            return key.decrypt(nonce, sealed, _bound_to(ciphername, thread_id))
        except (InvalidTag, ValueError) as error:
            raise CheckpointAlteredError from error


def _bound_to(name: str, thread_id: str) -> bytes:
    return f"{name}\0{thread_id}".encode()
