"""A connection to the broker that ends halfway through a publish costs no publish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue
from chassis.settings import Settings

pytestmark = pytest.mark.slow

PUBLISH = b"LPUSH"


class Cutting:
    """Passes everything on to the broker, and ends the connections on which the next publishes arrive."""

    def __init__(self, host: str, port: int) -> None:
        self._broker = host, port
        self.cuts = 0
        self.seen = 0
        self.url = ""
        self._open: dict[asyncio.Future[Any], asyncio.Task[Any] | None] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._broker)
        passing = asyncio.gather(self._questions(reader, back), self._answers(there, writer))
        self._open[passing] = asyncio.current_task()
        try:
            await passing
        finally:
            for end in (back, writer):
                end.close()
            for end in (back, writer):
                with suppress(ConnectionError):
                    await end.wait_closed()

    async def end(self) -> None:
        """End the connections that the broker's client keeps for later."""
        for passing in self._open:
            passing.cancel()
        await asyncio.gather(*filter(None, self._open.values()), return_exceptions=True)

    async def _questions(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if PUBLISH in data:
                    self.seen += 1
                    if self.cuts:
                        self.cuts -= 1
                        break
                back.write(data)
        back.close()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[Cutting]:
    url = settings.queue.url
    cutting = Cutting(url.host or "", url.port or 0)
    server = await asyncio.start_server(cutting.serve, "127.0.0.1", 0)
    cutting.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    yield cutting
    server.close()
    await cutting.end()


@pytest.mark.parametrize("cuts", [0, 1])
async def test_a_publish_whose_connection_is_cut_is_sent_once_more(
    broker: Cutting, container: Container, cuts: int
) -> None:
    queue_settings = QueueSettings.model_validate({"url": broker.url}, context={"environment": "test"})
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.publish(uuid4())
        broker.seen, broker.cuts = 0, cuts
        await queue.publish(uuid4())
    assert broker.seen == cuts + 1


async def test_a_broker_that_cuts_each_connection_is_unavailable(broker: Cutting, container: Container) -> None:
    queue_settings = QueueSettings.model_validate({"url": broker.url}, context={"environment": "test"})
    async with open_queue(queue_settings, container.adapter_context) as queue:
        broker.cuts = 100
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
    assert broker.seen < 20
