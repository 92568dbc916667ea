"""What all collectors that are reached over HTTP have in common: TLS, credentials, and the rules of their settings."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError
from tests.support.audit_sink._http import REFERENCE

from chassis.adapters.audit_sink._http import Collector, SecretHeader, open_collector
from chassis.dev.collector import Answer, Request, serving
from chassis.ports.errors import UnavailableError
from chassis.ports.secrets import Secret, SecretNotFoundError
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import AuditSinkSettings
from chassis.settings_loader import example_variables

PREFIX = "CHASSIS__AUDIT_SINK__"
EXAMPLE = {
    name.removeprefix(PREFIX).lower(): value for name, value in example_variables().items() if name.startswith(PREFIX)
}


class Named:
    """A secret backend with one value."""

    def __init__(self, value: str | None) -> None:
        self.value = value

    async def read(self, name: str) -> Secret:
        if self.value is None:
            raise SecretNotFoundError
        return Secret(name, self.value)


def header(value: str | None) -> SecretHeader:
    return SecretHeader(CachedSecretManager(Named(value)), REFERENCE, "Authorization", "Bearer ")


def certificate(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate that is its own authority, and give what serves it and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "collector")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = directory / "ca.pem", directory / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, file


@asynccontextmanager
async def calling(url: str, credential: SecretHeader | None = None) -> AsyncIterator[Collector]:
    async with open_collector(url, credential or header("value"), 5) as collector:
        yield collector


@contextmanager
def taking(tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[Request]]]:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return Answer(204)

    with serving(answer, tls=tls) as url:
        yield url, seen


async def test_a_certificate_that_is_not_trusted_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)
    with taking(context) as (url, seen):
        async with calling(url) as collector:
            with pytest.raises(UnavailableError, match="put its CA into the file that SSL_CERT_FILE names"):
                await collector.post("/", b"{}", {}, (204,))
        assert seen == []


async def test_an_authority_of_ones_own_is_trusted_by_the_standard_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with taking(context) as (url, seen):
        async with calling(url) as collector:
            await collector.post("/", b"{}", {}, (204,))
        assert [request.body for request in seen] == [b"{}"]


@pytest.mark.parametrize("value", ["two\nlines", "ends\n", " begins", "nul\x00", "ünicode", "\x7f"])
async def test_a_token_that_no_header_can_hold_is_named_and_not_shown(value: str) -> None:
    with taking() as (url, seen):
        async with calling(url, header(value)) as collector:
            with pytest.raises(UnavailableError, match="'audit_sink_token' has line ends") as caught:
                await collector.post("/", b"{}", {}, (204,))
    assert value not in str(caught.value)
    assert seen == []


async def test_a_token_that_was_refused_and_is_the_same_still_is_not_shown_again() -> None:
    calls = []

    def refuse(request: Request) -> Answer:
        calls.append(request)
        return Answer(401)

    with serving(refuse) as url:
        async with calling(url) as collector:
            with pytest.raises(UnavailableError, match="answered 401"):
                await collector.post("/", b"{}", {}, (204,))
    assert len(calls) == 1


async def test_an_error_goes_alone() -> None:
    with taking() as (url, _):
        pass  # nobody listens there any more
    async with calling(url) as collector:
        with pytest.raises(UnavailableError, match="cannot be reached") as caught:
            await collector.post("/", b"{}", {}, (204,))
    assert caught.value.__context__ is None, "the original error has the request, and with it the token"


async def test_a_collector_that_drips_its_answer_is_given_up_in_time() -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, open_collector(url, header("value"), 0.3) as collector:
        with pytest.raises(UnavailableError, match=r"within 0.3 s"):
            await collector.post("/", b"{}", {}, (200,))


def problems(environment: str, **changes: str) -> str:
    values = {**EXAMPLE, "token": REFERENCE, **changes}
    known = {name: value for name, value in values.items() if name in AuditSinkSettings.model_fields and value}
    try:
        AuditSinkSettings.model_validate(known, context={"environment": environment})
    except ValidationError as error:
        return "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
    return ""


def test_production_takes_the_example() -> None:
    assert problems("production") == ""


@pytest.mark.parametrize(("environment", "refused"), [("production", True), ("prod", True), ("development", False)])
def test_production_ships_over_tls_only(environment: str, refused: bool) -> None:
    url = EXAMPLE["url"].replace("https://", "http://")
    assert ("must begin with https:// in production" in problems(environment, url=url)) is refused


@pytest.mark.parametrize("url", ["https://me:secret@host/", "https://host/?token=secret", "https://host/#secret"])
def test_an_address_holds_no_credential(url: str) -> None:
    found = problems("development", url=url)
    assert "no more than https://" in found
    assert "secret@" not in found


def test_no_call_may_take_longer_than_ten_seconds() -> None:
    assert "timeout_seconds" in problems("development", timeout_seconds="10.1")


def test_production_needs_a_token() -> None:
    if "token" not in AuditSinkSettings.model_fields:
        pytest.skip("this sink has no token of its own")
    assert "token: Value error, is required in production" in problems("production", token="")
    assert problems("development", token="") == ""
