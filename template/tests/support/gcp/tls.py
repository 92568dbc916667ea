"""A certificate for loopback, which the real client checks as it checks Google's."""

import atexit
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme


@dataclass(frozen=True)
class Tls:
    """What a server shows, and the file by which clients trust it."""

    roots: Path
    key: bytes
    chain: bytes


@cache
def tls() -> Tls:
    """Make one for the whole process: gRPC reads the file of its roots once."""
    directory = TemporaryDirectory(prefix="chassis-tls-")
    atexit.register(directory.cleanup)
    authority = trustme.CA()
    roots = Path(directory.name) / "roots.pem"
    authority.cert_pem.write_to_path(roots)
    certificate = authority.issue_cert("127.0.0.1")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return Tls(roots, certificate.private_key_pem.bytes(), chain)
