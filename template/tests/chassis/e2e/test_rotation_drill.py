"""The drill: the database's password and the signing key rotate three times under load; no request fails."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.support.audit import keeper_environment, keeping, report_on, until_sealed
from tests.support.rotation import scram_server
from tests.support.sample_agent import SAMPLE
from tests.support.secret_backend import OpenStore, SecretStore, stores, with_store
from tests.support.service import RunningService, running_service

from chassis.audit.signing import SigningKey
from chassis.commands.audit import read_heads
from chassis.commands.migrate import migrate
from chassis.dev.environment import DATABASE_URL, LOGIN_URL
from chassis.dev.postgres import create_database, create_login
from chassis.ports.secrets import Secret
from chassis.settings import PREFIX
from chassis.settings_loader import load_settings
from chassis.wiring import open_adapter_context

pytestmark = pytest.mark.slow

TTL_SECONDS = 0.5
CLIENTS = 6


def random_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


class Load:
    """Clients that create threads, run the agent and read the state, and note what was not answered well."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._answered = asyncio.Event()
        self.failed: list[str] = []

    async def client(self) -> None:
        async with self._service.http("t-drill") as client:
            while True:
                thread = (await self._asked(client.post("/threads", json={}))).get("thread_id")
                body = {"assistant_id": "agent", "input": {"rounds": 1}}
                await self._asked(client.post(f"/threads/{thread}/runs/wait", json=body))
                await self._asked(client.get(f"/threads/{thread}/state"))

    async def more(self, requests: int) -> None:
        """Wait until so many more were answered: on a busy machine the time says nothing about the load there was."""
        async with asyncio.timeout(60):
            for _ in range(requests):
                self._answered.clear()
                await self._answered.wait()

    async def _asked(self, request: Awaitable[httpx.Response]) -> dict[str, object]:
        response = await request
        self._answered.set()
        if response.status_code != 200 or "__error__" in response.text:
            self.failed.append(f"{response.status_code} {response.text[:200]}")
        found: dict[str, object] = response.json()
        return found


@asynccontextmanager
async def under_load(service: RunningService) -> AsyncIterator[Load]:
    load = Load(service)
    tasks = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
    try:
        yield load
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_notices(environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, sink = tmp_path / "store", tmp_path / "audit.jsonl"
    folder.mkdir()
    open_store: OpenStore = list(stores().values())[-1]
    with scram_server() as server, open_store(folder, monkeypatch) as store:
        owner = create_database(server.url, "drill")
        own = environment_of(environment, store, owner)
        settings = load_settings(own)
        async with open_adapter_context(settings) as context:
            await migrate(settings, context)
        login = create_login(owner, "app")
        own[LOGIN_URL.format("SEALER")] = sealer = create_login(owner, "sealer")
        names = ["drill_app_login", "drill_sealer_login"]
        assert all(name in url for name, url in zip(names, (login, sealer), strict=True))

        def rotate(password: str, key: str) -> None:
            for name in names:
                server.role(name, password)
            store.put("database_password", password)
            store.put("audit_signing_key", key)

        keys = [random_key() for _ in range(4)]
        rotate("password-0", keys[0])
        referring = {**own, f"{PREFIX}DATABASE__PASSWORD": "secret://database_password"}
        with keeper_environment(referring, sink, CHASSIS__AUDIT__HEAD_SECONDS="1") as keeper:
            async with running_service(load_settings({**referring, DATABASE_URL: login}), SAMPLE) as service:
                async with keeping(keeper), under_load(service) as load:
                    await load.more(10)
                    for number in (1, 2, 3):
                        before = {pid for name in names for pid in server.sessions(name)}
                        await asyncio.to_thread(rotate, f"password-{number}", keys[number])
                        await server.until_replaced(names[0], before)
                        await asyncio.gather(load.more(10), asyncio.sleep(1.5))
                async with keeping(keeper):
                    await until_sealed(service.container.sessions)
        assert load.failed == []
        heads = read_heads(sink)
        assert len({head.key_id for head in heads}) == 4, "each key has signed"
        key = SigningKey.from_secret(Secret("audit_signing_key", keys[-1]))
        assert (await report_on(owner, heads, key)).problems == []


def environment_of(environment: Mapping[str, str], store: SecretStore, owner: str) -> dict[str, str]:
    """Give the environment of a service with this database and this store, by references alone."""
    return {
        **with_store(environment, store),
        DATABASE_URL: owner,
        f"{PREFIX}SECRET_CACHE__TTL_SECONDS": str(TTL_SECONDS),
        f"{PREFIX}AUDIT__SIGNING_KEY": "secret://audit_signing_key",
    }
