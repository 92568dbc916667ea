"""Agent state in Valkey: servers that forget are refused, restarts and clusters are survived, passwords change."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import redis as client
import trustme
from tests.support.checkpoints import config_of, growing_graph

from chassis.adapters._redis_layout import ThreadKeys
from chassis.container import Container
from chassis.dev.redis import redis_server
from chassis.dev.services import free_port
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints, CheckpointsLostError
from chassis.ports.errors import ConfigurationError, UnavailableError
from chassis.ports.live_events import LiveEvents
from chassis.ports.secrets import Secret
from chassis.secrets.cache import CachedSecretManager
from chassis.selected import StateStoreSettings, open_live_events
from chassis.settings import Settings
from chassis.wiring import open_checkpoints, prepare_checkpoints

pytestmark = pytest.mark.slow

PAGE = Path("docs/state-store-redis.md")
RIGHTS = next(line for line in PAGE.read_text().splitlines() if line.startswith("ACL SETUSER"))


@pytest.fixture
def context(container: Container) -> AdapterContext:
    return replace(container.adapter_context, service="state")


@contextmanager
def command(url: str) -> Iterator[Any]:
    with client.Redis.from_url(url) as admin:
        yield admin.execute_command


def leading_to(settings: Settings, url: str, **values: Any) -> Settings:
    group = StateStoreSettings.model_validate({"url": url, **values}, context={"environment": "test"})
    return settings.model_copy(update={"state_store": group})


@asynccontextmanager
async def opened(settings: Settings, context: AdapterContext) -> AsyncIterator[Checkpoints]:
    await prepare_checkpoints(settings, context)
    async with open_checkpoints(settings, context, 4) as checkpoints:
        yield checkpoints


@pytest.mark.parametrize(
    "options",
    [
        ("--appendonly", "no"),
        ("--appendfsync", "no"),
        ("--maxmemory-policy", "allkeys-lru"),
    ],
    ids=" ".join,
)
async def test_a_server_that_may_forget_is_refused(
    settings: Settings, context: AdapterContext, tmp_path: Path, options: tuple[str, str]
) -> None:
    with redis_server(tmp_path, *options, persistent=True) as url:
        verified = leading_to(settings, url)
        with pytest.raises(ConfigurationError, match=f"may forget .*{options[0][2:]} is {options[1]}"):
            await prepare_checkpoints(verified, context)
        await prepare_checkpoints(leading_to(settings, url, persistence="none"), context)
        async with open_checkpoints(verified, context, 1) as checkpoints:
            with pytest.raises(ConfigurationError, match="may forget"):
                await checkpoints.check()


async def test_a_server_that_hides_its_configuration_is_vouched_for(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    with redis_server(tmp_path, "--rename-command", "CONFIG", "", persistent=True) as url:
        with pytest.raises(ConfigurationError, match=r"set state_store\.persistence to vouched"):
            await prepare_checkpoints(leading_to(settings, url), context)
        async with opened(leading_to(settings, url, persistence="vouched"), context) as checkpoints:
            await checkpoints.check()


async def test_a_store_that_nobody_prepared_or_a_later_release_did_is_refused(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    with redis_server(tmp_path, persistent=True) as url, command(url) as execute:
        async with open_checkpoints(leading_to(settings, url), context, 1) as checkpoints:
            with pytest.raises(ConfigurationError, match="holds nothing of this service"):
                await checkpoints.check()
            execute("SET", ThreadKeys(context.service).schema, "99")
            for refused in (checkpoints.check, checkpoints.prepare):
                with pytest.raises(ConfigurationError, match="form 99"):
                    await refused()


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
async def test_a_restart_loses_nothing_or_is_noticed(
    settings: Settings, context: AdapterContext, tmp_path: Path, kept: bool
) -> None:
    port, config = free_port(), config_of(uuid4())
    thread_id = config["configurable"]["thread_id"]
    store = leading_to(settings, f"redis://127.0.0.1:{port}", persistence="none")
    with redis_server(tmp_path, persistent=kept, port=port):
        await prepare_checkpoints(store, context)
    async with open_checkpoints(store, context, 4) as checkpoints:
        graph = growing_graph(checkpoints.saver)
        with redis_server(tmp_path, persistent=kept, port=port):
            await graph.ainvoke({"steps": 2}, config, durability="sync")
            found = await checkpoints.saver.aget_tuple(config)
            assert found is not None
        with pytest.raises(UnavailableError):
            await graph.aget_state(config)
        with redis_server(tmp_path, persistent=kept, port=port):
            if kept:
                await checkpoints.require(thread_id, found.checkpoint["id"])
                assert (await graph.ainvoke({"steps": 3}, config, durability="sync"))["done"] == 3
            else:
                with pytest.raises(CheckpointsLostError):
                    await checkpoints.require(thread_id, found.checkpoint["id"])


async def test_a_full_server_is_unavailable_and_keeps_what_it_has(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    config = config_of(uuid4())
    with redis_server(tmp_path, persistent=True) as url, command(url) as execute:
        async with opened(leading_to(settings, url), context) as checkpoints:
            graph = growing_graph(checkpoints.saver)
            await graph.ainvoke({"steps": 1}, config, durability="sync")
            execute("CONFIG", "SET", "maxmemory", "1")
            with pytest.raises(UnavailableError, match="is full"):
                await graph.ainvoke({"steps": 2}, config, durability="sync")
            assert (await graph.aget_state(config)).values["done"] == 1


async def test_the_keys_of_a_thread_are_together_in_a_cluster(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    """One node has all the slots, and refuses a command on keys of several as any other does."""
    with (
        redis_server(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port()), persistent=True) as url,
        command(url) as execute,
    ):
        execute("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        async with asyncio.timeout(60):
            while b"cluster_state:ok" not in execute("CLUSTER", "INFO"):  # noqa: ASYNC110 - the server knows no events
                await asyncio.sleep(0.05)
        with pytest.raises(client.ResponseError, match="same slot"):
            execute("MGET", "one", "another")
        async with opened(leading_to(settings, url, cluster=True), context) as checkpoints:
            await checkpoints.check()
            graph = growing_graph(checkpoints.saver)
            for thread_id in (str(uuid4()), "with {braces} and ümlaut"):
                await graph.ainvoke({"steps": 25}, config_of(thread_id), durability="sync")
                assert await checkpoints.prune(thread_id, 1)
                slots = {execute("CLUSTER", "KEYSLOT", key) for key in ThreadKeys(context.service).of(thread_id)}
                assert len(slots) == 1
            found = {one.config["configurable"]["thread_id"] async for one in checkpoints.saver.alist(None)}
            assert found == {thread_id, *found}
            assert len(found) == 2


class Passwords:
    """A secret backend, and the server whose user `app` has the password."""

    def __init__(self, execute: Any) -> None:
        self._execute = execute
        self.value = ""

    async def read(self, name: str) -> Secret:
        return Secret(name, self.value)

    def rotate(self, password: str, *, known: bool = True) -> None:
        """Give the user another password, and throw out who logged in before."""
        self._execute("ACL", "SETUSER", "app", "reset", "on", f">{password}", "~*", "&*", "+@all")
        with suppress(client.ResponseError):
            self._execute("CLIENT", "KILL", "USER", "app")
        if known:
            self.value = password


async def test_the_password_changes_while_a_graph_runs(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    with redis_server(tmp_path, persistent=True) as url, command(url) as execute:
        passwords = Passwords(execute)
        passwords.rotate("0")
        secrets = CachedSecretManager(passwords)
        own = replace(context, secrets=secrets)
        store = leading_to(settings, url.replace("://", "://app@"), password="secret://state_store_password")
        run_id = uuid4()

        async def rotate(number: int) -> None:
            if number in (5, 10, 15):
                await asyncio.sleep(0.6)  # longer than the cache's `recheck`
                await asyncio.to_thread(passwords.rotate, str(number))

        async with opened(store, own) as checkpoints, open_live_events(store.state_store, own) as live_events:
            graph = growing_graph(checkpoints.saver, rotate)
            assert (await graph.ainvoke({"steps": 20}, config_of(uuid4()), durability="sync"))["done"] == 20
            async with heard_by(live_events, run_id) as told:
                await told()
            await asyncio.sleep(0.6)
            passwords.rotate("unknown", known=False)
            with pytest.raises(UnavailableError) as caught:
                await checkpoints.check()
            assert "15" not in f"{caught.value} {caught.value.__cause__}"
        await secrets.close()


@asynccontextmanager
async def heard_by(live_events: LiveEvents, run_id: UUID) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Give a function that notifies until it is heard."""
    heard = asyncio.Event()

    def grown(found: UUID | None) -> None:
        if found == run_id:
            heard.set()

    async def told() -> None:
        heard.clear()
        async with asyncio.timeout(60):
            while not heard.is_set():
                with suppress(UnavailableError):
                    await live_events.notify(run_id)
                with suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), 0.2)

    async with live_events.listen(grown):
        yield told


async def test_a_listener_comes_back_after_an_outage(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    port, run_id = free_port(), uuid4()
    store = leading_to(settings, f"redis://127.0.0.1:{port}").state_store
    async with open_live_events(store, context) as live_events, heard_by(live_events, run_id) as told:
        for _ in range(2):
            with redis_server(tmp_path, port=port):
                await told()
            with pytest.raises(UnavailableError):
                await live_events.notify(run_id)


async def test_the_rights_that_the_page_names_are_enough(
    settings: Settings, context: AdapterContext, tmp_path: Path
) -> None:
    words = RIGHTS.replace("<service>", context.service).replace(">...", ">secret").split()
    with redis_server(tmp_path, persistent=True) as url, command(url) as execute:
        execute(*words)
        store = leading_to(settings, url.replace("://", "://app:secret@"))
        config, run_id = config_of(uuid4()), uuid4()
        async with opened(store, context) as checkpoints, open_live_events(store.state_store, context) as live_events:
            await checkpoints.check()
            await growing_graph(checkpoints.saver).ainvoke({"steps": 25}, config, durability="sync")
            assert [one async for one in checkpoints.saver.alist(None)]
            await checkpoints.delete(config["configurable"]["thread_id"])
            async with heard_by(live_events, run_id) as told:
                await told()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def behind_tls(url: str, certificate: trustme.LeafCert) -> AsyncIterator[str]:
    """Take TLS off before a server, and give the URL of that."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    port = urlsplit(url).port
    answers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        answers.add(asyncio.create_task(_pass_on(there, writer)))
        await _pass_on(reader, back)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"rediss://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*answers, return_exceptions=True)


@pytest.mark.parametrize("certificate", ["right", "of another host", "of another authority"])
async def test_a_certificate_is_checked_before_anything_is_said(
    settings: Settings, context: AdapterContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    issuer = trustme.CA() if certificate == "of another authority" else authority
    issued = issuer.issue_cert("elsewhere.example" if certificate == "of another host" else "localhost")
    with redis_server(tmp_path, persistent=True) as url, command(url) as execute:
        async with behind_tls(url, issued) as secure:
            store = leading_to(settings, secure)
            if certificate == "right":
                async with opened(store, context) as checkpoints:
                    await checkpoints.check()
            else:
                with pytest.raises(UnavailableError):
                    await prepare_checkpoints(store, context)
        assert bool(execute("EXISTS", ThreadKeys(context.service).schema)) == (certificate == "right")
