"""Signed heads: Ed25519 (RFC 8032) over how far the chain had come, so that nobody without the key can make it shorter."""

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.audit.canonical import canonical
from chassis.ports.errors import ConfigurationError
from chassis.ports.secrets import Secret

SEED_BYTES = 32
DEVELOPMENT_SEED = hashlib.sha256(b"the signing key of laptops and tests, which everybody knows").digest()


class SigningKeyError(ConfigurationError):
    """The audit signing key is not 32 random bytes in base64; make one with `openssl rand -base64 32`."""


@dataclass(frozen=True, slots=True)
class Head:
    """A statement that the chain had reached `sequence` with the hash `chain` at the time `signed_at`."""

    number: int
    sequence: int
    chain: bytes
    signed_at: dt.datetime
    key_id: str
    signature: bytes = b""

    def statement(self) -> bytes:
        """Give the bytes that are signed."""
        return canonical({name: value for name, value in self.to_json().items() if name != "signature"})

    def to_json(self) -> dict[str, Any]:
        """Give the form in which heads leave the database."""
        return {
            "number": self.number,
            "sequence": self.sequence,
            "chain": self.chain.hex(),
            "signed_at": self.signed_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "key_id": self.key_id,
            "signature": base64.b64encode(self.signature).decode(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Head":
        """Read what `to_json` gave; raise `ValueError` or `KeyError` for anything else."""
        return cls(
            number=int(data["number"]),
            sequence=int(data["sequence"]),
            chain=bytes.fromhex(data["chain"]),
            signed_at=dt.datetime.fromisoformat(data["signed_at"]),
            key_id=str(data["key_id"]),
            signature=base64.b64decode(data["signature"], validate=True),
        )


class SigningKey:
    """The private key; shown by its id alone."""

    def __init__(self, seed: bytes) -> None:
        """Take the 32 bytes of an Ed25519 private key."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def from_secret(cls, secret: Secret) -> "SigningKey":
        """Read the key from the secret manager's value; raise `SigningKeyError`."""
        try:
            seed = base64.b64decode(secret.reveal(), validate=True)
        except ValueError:
            raise SigningKeyError from None  # the cause may hold the value
        if len(seed) != SEED_BYTES:
            raise SigningKeyError
        return cls(seed)

    def sign(self, number: int, sequence: int, chain: bytes, signed_at: dt.datetime) -> Head:
        """Make a head and sign it."""
        unsigned = Head(number, sequence, chain, signed_at, self.public.key_id)
        signature = self._key.sign(unsigned.statement())
        return Head(number, sequence, chain, signed_at, self.public.key_id, signature)


class PublicKey:
    """What whoever verifies needs, and may have: it signs nothing."""

    def __init__(self, raw: bytes) -> None:
        """Take the 32 bytes of an Ed25519 public key."""
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]
        self.text = base64.b64encode(raw).decode()

    @classmethod
    def from_text(cls, text: str) -> "PublicKey":
        """Read base64; raise `ConfigurationError` in a sentence."""
        try:
            return cls(base64.b64decode(text, validate=True))
        except ValueError as error:
            message = "A public key is 32 bytes in base64, as `python -m chassis audit key` prints it."
            raise ConfigurationError(message) from error

    def signed(self, head: Head) -> bool:
        """Say whether this key signed that head as it is."""
        try:
            self._key.verify(head.signature, head.statement())
        except InvalidSignature:
            return False
        return head.key_id == self.key_id
