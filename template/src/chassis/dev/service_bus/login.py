"""The beginning of a connection: SASL, which lets in whoever speaks it, since a token says later who it is.

"Connections and sessions" in the protocol guide, which names these two mechanisms; 5.3 of "OASIS AMQP Version 1.0".
"""

import asyncio

from azure.servicebus._pyamqp import performatives as p

from chassis.dev.service_bus import wire

MECHANISMS = [b"PLAIN", b"ANONYMOUS"]
SASL_FRAME = b"\x01"


async def login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say hello twice; raise `ConnectionAbortedError` for a client of another protocol."""
    if await reader.readexactly(len(wire.SASL)) != wire.SASL:
        raise ConnectionAbortedError
    writer.write(wire.SASL + wire.frame(0, p.SASLMechanism(MECHANISMS), SASL_FRAME))
    await wire.read_frame(reader)
    writer.write(wire.frame(0, p.SASLOutcome(0, None), SASL_FRAME))
    if await reader.readexactly(len(wire.AMQP)) != wire.AMQP:
        raise ConnectionAbortedError
    writer.write(wire.AMQP)
