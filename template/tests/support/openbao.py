"""One OpenBao for all tests of a process, since each start takes half a second; each test has its own paths in it.

It also makes the certificates and signs the tokens that tests need, as authorities of theirs would.
"""

import atexit
import base64
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chassis.dev.openbao import OpenBao, openbao_server


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1, its key, and the authority that signed it; files in PEM."""

    file: Path
    key: Path
    authority: Path


@cache
def shared_server() -> OpenBao:
    """Start the server at the first call; it ends with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    directory = stack.enter_context(TemporaryDirectory(prefix="chassis-openbao-", ignore_cleanup_errors=True))
    server = stack.enter_context(openbao_server(Path(directory)))
    server.write("sys/mounts/secret", type="kv", options={"version": "2"})
    server.write("sys/mounts/transit", type="transit")
    server.write("sys/mounts/pki", type="pki")
    for method in ("approle", "kubernetes", "jwt"):
        server.write(f"sys/auth/{method}", type=method)
    server.write("transit/keys/issuer", type="ecdsa-p256")
    server.write("pki/root/generate/internal", common_name="authority of the tests")
    server.write("pki/roles/loopback", allow_any_name=True)
    return server


def make_certificate(directory: Path) -> Certificate:
    """Issue a certificate into a directory."""
    issued = shared_server().write("pki/issue/loopback", common_name="localhost", ip_sans="127.0.0.1", ttl="1h")["data"]
    files = Certificate(directory / "certificate.pem", directory / "key.pem", directory / "authority.pem")
    files.file.write_text(issued["certificate"])
    files.key.write_text(issued["private_key"])
    files.authority.write_text(issued["issuing_ca"])
    return files


def sign(claims: Mapping[str, Any]) -> str:
    """Make a JSON web token (RFC 7519, ES256) for the next ten minutes."""
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 600}
    parts = ({"alg": "ES256", "typ": "JWT"}, {**times, **claims})
    head = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    signature = shared_server().write(
        "transit/sign/issuer", input=base64.b64encode(head.encode()).decode(), marshaling_algorithm="jws"
    )["data"]["signature"]
    return f"{head}.{signature.rpartition(':')[2]}"


def issuer_key() -> str:
    """Give the public key (PEM) that verifies what `sign` makes."""
    key: str = shared_server().read("transit/keys/issuer")["data"]["keys"]["1"]["public_key"]
    return key


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
