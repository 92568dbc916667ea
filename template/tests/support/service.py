"""A running service inside the test process: a real HTTP server and a real worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import uvicorn
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from chassis.agent_spec import AgentSpec
from chassis.container import Container
from chassis.dev.services import free_port
from chassis.http.app import create_app
from chassis.jobs.worker import Worker
from chassis.settings import Settings
from chassis.wiring import Overrides, open_container, open_workshop


@dataclass(frozen=True)
class RunningService:
    """Where the service listens, and clients for it."""

    url: str
    container: Container
    _clients: list[LangGraphClient] = field(default_factory=list)

    def headers(self, tenant: str | None = None, subject: str = "ada", role: str = "admin") -> dict[str, str]:
        """Name a caller; a tenant of its own unless one is given, so that tests do not see each other's data."""
        return {"Authorization": f"Bearer dev:{tenant or f't-{uuid4().hex[:8]}'}:{subject}:{role}"}

    def http(self, tenant: str | None = None, subject: str = "ada", role: str = "admin") -> httpx.AsyncClient:
        """Give a plain HTTP client."""
        return httpx.AsyncClient(base_url=self.url, headers=self.headers(tenant, subject, role), timeout=20)

    def sdk(self, tenant: str | None = None, subject: str = "ada", role: str = "admin") -> LangGraphClient:
        """Give the stock LangGraph SDK's client."""
        client = get_client(url=self.url, headers=self.headers(tenant, subject, role))
        self._clients.append(client)
        return client

    async def aclose(self) -> None:
        """Close the SDK's clients."""
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def serving(
    settings: Settings, agent: AgentSpec, *, grace_seconds: int | None = None, ports: Overrides | None = None
) -> AsyncIterator[RunningService]:
    """Serve the API on a free port, without a worker; requests under way are cut off after the grace."""
    overrides: Overrides = {"agent": agent, **(ports or {})}
    async with open_container(settings, **overrides) as container:

        @asynccontextmanager
        async def opened() -> AsyncIterator[Container]:
            yield container

        port = free_port()
        app = create_app(settings, agent, opened)
        options = uvicorn.Config(
            app,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=grace_seconds,
        )
        server = uvicorn.Server(options)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        running = RunningService(f"http://127.0.0.1:{port}", container)
        try:
            yield running
        finally:
            await running.aclose()
            server.should_exit = True
            await task


@asynccontextmanager
async def working(container: Container) -> AsyncIterator[Worker]:
    """Execute runs in this process."""
    stop = asyncio.Event()
    async with open_workshop(container) as workshop:
        worker = Worker(container, workshop)
        task = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            await task


@asynccontextmanager
async def running_service(settings: Settings, agent: AgentSpec) -> AsyncIterator[RunningService]:
    """Serve and work."""
    async with serving(settings, agent) as service, working(service.container):
        yield service


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for something to become true; fail the test when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.02)
