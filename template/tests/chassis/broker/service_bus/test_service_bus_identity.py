"""As whom the service comes to Service Bus, and what it demands of the server before it says so."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from azure.core.pipeline.transport import RequestsTransport
from kombu.exceptions import OperationalError
from pydantic import ValidationError
from tests.support.azure.identity import CLIENT_ID, Identities
from tests.support.azure.server import Server
from tests.support.queue.service_bus import Broker, settings_for

from chassis.adapters._azure_identity import PLATFORM_VARIABLES
from chassis.adapters._azure_settings import STATIC_CREDENTIALS
from chassis.adapters._service_bus_links import QueueLinks
from chassis.dev.service_bus.server import service_bus
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow

NAMESPACE = "amqps://my-agent.servicebus.windows.net"
RESOURCE = "https://servicebus.azure.net/"


def in_production(**values: Any) -> QueueSettings:
    return QueueSettings.model_validate({"url": NAMESPACE, **values}, context={"environment": "production"})


@pytest.fixture
def identities(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Identities]:
    """What gives a container app its tokens; the broker accepts these and no others."""
    broker.tell("tokens")
    identities = Identities(RESOURCE, announce=lambda token: broker.tell(f"accept {token}"))
    for variable in PLATFORM_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with Server(identities.endpoint).serving() as endpoint:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{endpoint.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", identities.header)
        yield identities


@pytest.mark.parametrize("url", [NAMESPACE, f"{NAMESPACE}:5671", f"{NAMESPACE}/"])
def test_production_takes_a_namespace(url: str) -> None:
    assert in_production(url=url).url.host == "my-agent.servicebus.windows.net"


@pytest.mark.parametrize(
    "url",
    [
        *("amqp://a.servicebus.windows.net", "sb://a.servicebus.windows.net", "amqps://localhost"),
        *("amqps://a.servicebus.windows.net:5672", "amqps://a.servicebus.windows.net.evil.example"),
        *("amqps://servicebus.windows.net", "amqps://evilservicebus.windows.net", "amqps://a.b.servicebus.windows.net"),
        *("amqps://policy:key@a.servicebus.windows.net", "amqps://a.servicebus.windows.net/queue"),
        *("amqps://a.servicebus.windows.net?verify=0", "amqps://a.servicebus.chinacloudapi.cn"),
    ],
)
def test_production_takes_nothing_else_for_a_namespace(url: str) -> None:
    with pytest.raises(ValidationError):
        in_production(url=url)


@pytest.mark.parametrize("variable", STATIC_CREDENTIALS)
def test_production_refuses_credentials_that_outlive_a_leak(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "hunter2")
    with pytest.raises(ValidationError, match=rf"remove {variable} from the environment") as caught:
        in_production()
    assert "hunter2" not in str(caught.value)


def test_production_trusts_no_authority_of_somebodys_own(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with pytest.raises(ValidationError, match=r"remove queue\.authority"):
        in_production(authority=tmp_path / "authority.pem")


@pytest.mark.parametrize("client_id", [None, CLIENT_ID])
async def test_one_token_of_the_platforms_identity_is_for_all(
    broker: Broker, identities: Identities, context: AdapterContext, client_id: str | None
) -> None:
    async with open_queue(settings_for(broker, client_id=client_id), context) as queue:
        assert identities.requests == 0, "nothing is asked before it is needed"
        await asyncio.gather(*(queue.publish(uuid4()) for _ in range(4)))
        assert await queue.depth() == 4
    [token] = identities.given.values()
    assert (token.resource, token.client_id) == (RESOURCE, CLIENT_ID)


async def test_without_an_identity_of_the_platform_no_other_is_looked_for(
    broker: Broker, context: AdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in PLATFORM_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "hunter2")
    async with open_queue(settings_for(broker), context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.publish(uuid4())
    assert "Azure gives this process no identity" in str(caught.value.__cause__)
    assert broker.tell("attached") == "done"


async def test_an_identity_that_gets_no_token_is_told_so(
    broker: Broker, identities: Identities, context: AdapterContext
) -> None:
    identities.header = "another"
    async with open_queue(settings_for(broker), context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.check()
    assert "Azure gives this service no token" in str(caught.value.__cause__)


async def test_a_token_that_is_refused_is_replaced(
    broker: Broker, identities: Identities, context: AdapterContext
) -> None:
    async with open_queue(settings_for(broker), context) as queue:
        await queue.publish(uuid4())
        broker.tell("tokens")
        broker.tell("cut")
        await queue.publish(uuid4())
        assert len(identities.given) == 2


async def test_a_login_that_is_refused_for_good_is_told_so(
    broker: Broker, identities: Identities, context: AdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identities, "_announce", lambda _token: broker.tell("tokens"))
    async with open_queue(settings_for(broker), context) as queue:
        with pytest.raises(UnavailableError) as caught:
            await queue.check()
    assert "refuses the login of this service" in str(caught.value.__cause__)
    assert identities.requests == 2, "once more, and not again and again"


@pytest.mark.parametrize("certificate", ["right", "of another host", "of another authority"])
async def test_a_certificate_is_checked_before_a_token_is_shown(
    broker: Broker, identities: Identities, context: AdapterContext, tmp_path: Path, certificate: str
) -> None:
    authority = trustme.CA()
    issuer = trustme.CA() if certificate == "of another authority" else authority
    host = "elsewhere.example" if certificate == "of another host" else "localhost"
    issuer.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with service_bus(tmp_path) as server:
        async with open_queue(settings_for(broker, url=server.url, authority=server.authority), context) as queue:
            if certificate == "right":
                await queue.check()
            else:
                with pytest.raises(UnavailableError):
                    await queue.check()
        assert server.tell("attached").startswith("Send:") == (certificate == "right")


async def test_without_an_authority_of_its_own_the_systems_count(broker: Broker, context: AdapterContext) -> None:
    async with open_queue(settings_for(broker, authority=None), context) as queue:
        with pytest.raises(UnavailableError):
            await queue.check()


async def test_a_server_that_says_nothing_holds_no_thread(broker: Broker, tmp_path: Path) -> None:
    """After its certificate, where the SDK itself waits for ever."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
            ended.set()
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(silent, "127.0.0.1", 0, ssl=tls) as server:
        url = f"amqps://localhost:{server.sockets[0].getsockname()[1]}"
        given = settings_for(broker, url=url, authority=tmp_path / "authority.pem")
        with RequestsTransport() as tokens:
            links = QueueLinks(given, "runs", tokens)
            started = time.monotonic()
            with pytest.raises(OperationalError, match="cannot be reached"):
                await asyncio.wait_for(asyncio.to_thread(links.sender), 60)
            assert time.monotonic() - started < 15
        await asyncio.wait_for(ended.wait(), 5)
