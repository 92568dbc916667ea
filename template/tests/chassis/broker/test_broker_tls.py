"""A broker behind TLS is known by its certificate; without one nobody gets a password."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from tests.support.queue import BrokerWithPassword

from chassis.container import Container
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.ports.secrets import Secret
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

PASSWORD = "hunter2"


class Passwords:
    """A secret backend."""

    async def read(self, name: str) -> Secret:
        return Secret(name, PASSWORD)


class TLS:
    """Takes TLS off and passes the rest on to a server, and keeps what arrived."""

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._server)
        answers = asyncio.create_task(_pump(there, writer))
        while data := await reader.read(4096):
            self.heard += data
            back.write(data)
        back.close()
        await answers


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def behind_tls(authority: trustme.CA, broker: BrokerWithPassword, name: str) -> AsyncIterator[tuple[TLS, str]]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    url = urlsplit(broker.url)
    front = TLS(url.hostname or "", url.port or 0)
    async with await asyncio.start_server(front.serve, "127.0.0.1", 0, ssl=tls) as server:
        yield front, f"{url.scheme}s://USER@localhost:{server.sockets[0].getsockname()[1]}{url.path}"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


@pytest.mark.parametrize("password", [None, "secret://queue_password"], ids=["open", "password"])
@pytest.mark.parametrize("certificate", ["right", "of another host", "of another authority"])
async def test_a_certificate_is_checked_before_anything_is_said(
    broker: BrokerWithPassword, container: Container, authority: trustme.CA, certificate: str, password: str | None
) -> None:
    issuer = trustme.CA() if certificate == "of another authority" else authority
    name = "elsewhere.example" if certificate == "of another host" else "localhost"
    secrets = CachedSecretManager(Passwords())
    context = AdapterContext(container.adapter_context.database, secrets, "tls")
    broker.user("app", PASSWORD)
    async with behind_tls(issuer, broker, name) as (front, url):
        queue_settings = QueueSettings.model_validate(
            {"url": url.replace("USER@", "app@" if password else ""), "password": password},
            context={"environment": "test"},
        )
        async with open_queue(queue_settings, context) as queue:
            if certificate == "right":
                await queue.check()
            else:
                with pytest.raises(UnavailableError):
                    await queue.check()
        assert (PASSWORD.encode() in front.heard) == (certificate == "right" and password is not None)
        assert bool(front.heard) == (certificate == "right")
    await secrets.close()
