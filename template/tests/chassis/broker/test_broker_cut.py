"""A connection to the broker that ends halfway through a publish costs no publish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.support.queue import BrokerWithPassword

from chassis.container import Container
from chassis.ports.errors import UnavailableError
from chassis.selected import QueueSettings, open_queue

pytestmark = pytest.mark.slow


class Cutting:
    """Passes everything on to the broker, and ends the connections on which the next publishes arrive."""

    def __init__(self, broker: BrokerWithPassword) -> None:
        url = urlsplit(broker.url)
        self._broker = url.hostname or "", url.port or 0
        self._publish = broker.PUBLISH
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
                if self._publish in data:
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
async def cutting(broker: BrokerWithPassword) -> AsyncIterator[Cutting]:
    """What leads to the broker."""
    cutting = Cutting(broker)
    server = await asyncio.start_server(cutting.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    cutting.url = broker.url.replace(f":{urlsplit(broker.url).port}", f":{port}")
    yield cutting
    server.close()
    await cutting.end()


@pytest.mark.parametrize("cuts", [0, 1])
async def test_a_publish_whose_connection_is_cut_is_sent_once_more(
    cutting: Cutting, container: Container, cuts: int
) -> None:
    queue_settings = QueueSettings.model_validate({"url": cutting.url}, context={"environment": "test"})
    async with open_queue(queue_settings, container.adapter_context) as queue:
        await queue.publish(uuid4())
        cutting.seen, cutting.cuts = 0, cuts
        await queue.publish(uuid4())
    assert cutting.seen == cuts + 1


async def test_a_broker_that_cuts_each_connection_is_unavailable(cutting: Cutting, container: Container) -> None:
    queue_settings = QueueSettings.model_validate({"url": cutting.url}, context={"environment": "test"})
    async with open_queue(queue_settings, container.adapter_context) as queue:
        cutting.cuts = 100
        with pytest.raises(UnavailableError):
            await queue.publish(uuid4())
    assert cutting.seen < 20
