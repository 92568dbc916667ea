"""One connection of a client: SASL, then sessions and links, which lead to queues or to the nodes that answer requests.

"AMQP 1.0 in Azure Service Bus and Event Hubs protocol guide", there "Connections and sessions", "Links", "Flow control" and the
tables of who says what; locks: "Message transfers, locks, and settlement" (learn.microsoft.com/azure/service-bus-messaging).
Sections are those of "OASIS AMQP Version 1.0".
"""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from azure.servicebus._pyamqp import performatives as p
from azure.servicebus._pyamqp.error import AMQPError
from azure.servicebus._pyamqp.outcomes import Accepted, Modified, Rejected, Released

from chassis.dev.service_bus import wire
from chassis.dev.service_bus.links import Link, node_of
from chassis.dev.service_bus.login import login
from chassis.dev.service_bus.namespace import Namespace
from chassis.dev.service_bus.nodes import Nodes

IDLE_SECONDS = 240
CREDIT = 1000
WINDOW = 5000
OUTCOMES: dict[str, Any] = {"accepted": Accepted, "rejected": Rejected, "released": Released, "modified": Modified}
DONE = ("accepted", "rejected")
"""Outcomes after which a message is in the queue no more; rejecting is how it is dead-lettered, which nobody here does."""


class Connection:
    """Answers one client."""

    def __init__(self, namespace: Namespace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection that was just made."""
        self._namespace = namespace
        self._nodes = Nodes(namespace)
        self._reader = reader
        self._writer = writer
        self._links: dict[tuple[int, int], Link] = {}
        self._sent = 0
        self._handlers: dict[int, Callable[[int, list[Any]], None]] = {
            wire.BEGIN: self._begin,
            wire.ATTACH: self._attach,
            wire.FLOW: self._flow,
            wire.TRANSFER: self._transfer,
            wire.DISPOSITION: self._disposition,
            wire.DETACH: self._detach,
            wire.END: self._end,
        }

    async def serve(self) -> None:
        """Answer until the client closes, leaves, or says nothing for too long."""
        self._namespace.connections.add(self)
        patience = asyncio.get_running_loop().call_later(self._namespace.token_seconds, self._expect_token)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
                await login(self._reader, self._writer)
                await self._frames()
        finally:
            patience.cancel()
            self._namespace.connections.discard(self)
            for link in tuple(self._links.values()):
                self._release(link)
            self._writer.close()

    def cut(self) -> None:
        """End without a word."""
        self._writer.transport.abort()

    def _expect_token(self) -> None:
        if not self._nodes.authorized:
            self.cut()

    async def _frames(self) -> None:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                channel, code, fields = await wire.read_frame(self._reader)
            if code == wire.OPEN:
                idle = IDLE_SECONDS * 1000
                self._say(0, p.OpenFrame("stand-in", None, wire.MAX_FRAME, 255, idle, None, None, None, None, None))
            elif code == wire.CLOSE:
                self._say(0, p.CloseFrame(None))
                return
            else:
                self._handlers[code](channel, fields)

    def _begin(self, channel: int, _fields: list[Any]) -> None:
        self._say(channel, p.BeginFrame(channel, 0, WINDOW, WINDOW, 255, None, None, None))

    def _end(self, channel: int, _fields: list[Any]) -> None:
        self._say(channel, p.EndFrame(None))

    def _attach(self, channel: int, fields: list[Any]) -> None:
        """Answer with our end of a link, or with one that leads nowhere and the reason ("Create message sender (error)")."""
        receives = bool(fields[2])
        link = Link(
            channel, fields[1], node_of((fields[5] if receives else fields[6])[0]), receives, settled=fields[3] == 1
        )
        error = self._nodes.refusal(link)
        self._say(channel, link.attach(fields, error))
        if error:
            self._say(channel, p.DetachFrame(link.handle, True, error))
            return
        self._links[channel, link.handle] = link
        if not receives:
            self._say(channel, p.FlowFrame(0, WINDOW, 0, WINDOW, link.handle, 0, CREDIT, None, False, False, None))

    def _flow(self, channel: int, fields: list[Any]) -> None:
        link = self._links.get((channel, -1 if fields[4] is None else fields[4]))
        if link is None or not link.receives:
            return
        link.credit = (fields[5] or 0) + fields[6] - link.delivered
        self.pump(link.node)
        if fields[8]:  # drain: what credit is left is used up (2.6.7)
            link.delivered, link.credit = link.delivered + link.credit, 0
            state = (link.handle, link.delivered, 0, None, True, False, None)
            self._say(channel, p.FlowFrame(0, WINDOW, self._sent, WINDOW, *state))

    def _transfer(self, channel: int, fields: list[Any]) -> None:
        link = self._links[channel, fields[0]]
        link.parts += bytes(fields[11])
        if fields[5]:  # more of it comes
            return
        payload, link.parts = link.parts, b""
        link.taken += 1
        refusal = self._namespace.refusal if link.is_queue else None
        error = AMQPError(condition=refusal.encode(), description="The message was not taken.") if refusal else None
        state = Rejected(error=error) if error else Accepted()
        self._say(channel, p.DispositionFrame(True, fields[1], fields[1], True, state, False))
        more = CREDIT - link.taken % CREDIT
        if more == CREDIT:
            self._say(
                channel,
                p.FlowFrame(0, WINDOW, self._sent, WINDOW, link.handle, link.taken, more, None, False, False, None),
            )
        if link.is_queue and not error:
            self._namespace.put(link.node, payload)
        elif not link.is_queue:
            self._reply(channel, link.node, self._nodes.answer(link.node, wire.read_message(payload)))

    def _reply(self, channel: int, node: str, payload: bytes) -> None:
        for link in self._links.values():
            if link.receives and link.node == node and link.channel == channel:
                self._send(link, payload, uuid.uuid4().bytes_le, settled=True)

    def _disposition(self, channel: int, fields: list[Any]) -> None:
        first, last = fields[1], fields[1] if fields[2] is None else fields[2]
        outcome = next(iter(fields[4] or OUTCOMES))
        for link in tuple(self._links.values()):
            for number in [one for one in link.locks if first <= one <= last]:
                queue = self._namespace.queues[link.node]
                queue.settle(link.locks.pop(number), done=outcome in DONE, counts=outcome != "released")
                self._namespace.pump(link.node)
        if not fields[3]:  # the client waits for our word on it
            self._say(channel, p.DispositionFrame(False, first, last, True, OUTCOMES[outcome](), False))

    def _detach(self, channel: int, fields: list[Any]) -> None:
        link = self._links.pop((channel, fields[0]), None)
        if link is not None:
            self._release(link)
            self._say(channel, p.DetachFrame(link.handle, True, None))

    def _release(self, link: Link) -> None:
        """Drop the locks of a link that ended: none is recovered ("Settling receive operations")."""
        for lock in link.locks.values():
            self._namespace.queues[link.node].settle(lock, done=False, counts=False)
        link.locks.clear()
        link.credit = 0
        self._namespace.pump(link.node)

    def pump(self, name: str) -> None:
        """Hand out messages of this queue to the links that have credit."""
        for link in self._links.values():
            while link.receives and link.node == name and link.is_queue and link.credit > 0:
                seconds = None if link.settled else self._namespace.lock_seconds
                found = self._namespace.queues[name].take(seconds)
                if found is None:
                    return
                if found.lock is not None:
                    link.locks[self._sent] = found.lock
                    asyncio.get_running_loop().call_later(self._namespace.lock_seconds, self._namespace.pump, name)
                payload = wire.delivered(found.payload, found.deliveries, self._nodes.annotations(found))
                link.credit -= 1
                self._send(link, payload, (found.lock or uuid.uuid4()).bytes_le, settled=link.settled)

    def _send(self, link: Link, payload: bytes, tag: bytes, *, settled: bool) -> None:
        number, self._sent = self._sent, self._sent + 1
        link.delivered += 1
        room = wire.MAX_FRAME - 1024
        parts = [payload[start : start + room] for start in range(0, len(payload), room)]
        for index, part in enumerate(parts):
            more = index < len(parts) - 1
            self._say(link.channel, p.TransferFrame(link.handle, number, tag, 0, settled, more, payload=part))

    def _say(self, channel: int, performative: Any) -> None:
        if not self._writer.is_closing():
            self._writer.write(wire.frame(channel, performative))
