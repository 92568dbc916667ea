"""A stand-in for Azure Key Vault and for what gives its callers their tokens; the real clients talk to it.

There is no emulator of Microsoft's. What stands in here keeps to what Microsoft documents and to recordings of the service,
and `tests/chassis/contract/test_azure_key_vault_fake.py` compares it with both.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from tests.support.azure.identity import Identities
from tests.support.azure.server import Server
from tests.support.key_vault.vault import Vault


@dataclass(frozen=True)
class FakeAzure:
    """Where everything is."""

    vault: Vault
    identities: Identities
    key_vault: Server
    endpoint: Server
    entra: Server
    authority: Path
    """The certificate of the authority that signed the servers' certificates."""


@contextmanager
def fake_azure(directory: Path) -> Iterator[FakeAzure]:
    """Serve an empty vault and one identity on loopback."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    identities = Identities()
    vault = Vault(identities)
    with (
        Server(vault.answer, tls).serving() as key_vault,
        Server(identities.endpoint).serving() as endpoint,
        Server(identities.entra, tls).serving() as entra,
    ):
        vault.url = f"https://localhost:{key_vault.port}"
        vault.login = f"https://localhost:{entra.port}"
        yield FakeAzure(vault, identities, key_vault, endpoint, entra, directory / "authority.pem")
