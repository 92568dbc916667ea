"""AMQP's frames as bytes, with the codec of the Azure SDK, which clients and servers need alike.

A frame is its size, the offset of its body in words of four bytes, a type (0 AMQP, 1 SASL), a channel, and the body: "OASIS AMQP
Version 1.0, Part 2: Transport", section 2.3. One of eight bytes is empty and only says that its sender is alive (section 2.4.5).
"""

import asyncio
import struct
from typing import Any

from azure.servicebus._pyamqp._decode import decode_frame, decode_payload
from azure.servicebus._pyamqp._encode import encode_frame, encode_payload
from azure.servicebus._pyamqp.message import Header, Message, Properties

SASL = b"AMQP\x03\x01\x00\x00"
AMQP = b"AMQP\x00\x01\x00\x00"
MAX_FRAME = 65_536
SHORTEST = 8
OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, int, list[Any]]:
    """Wait for the next frame that is not empty; give its channel, its code and its fields."""
    while True:
        size, offset, _, channel = struct.unpack(">IBBH", await reader.readexactly(SHORTEST))
        if not SHORTEST <= size <= MAX_FRAME:
            raise ConnectionAbortedError
        body = memoryview(await reader.readexactly(size - SHORTEST))[offset * 4 - SHORTEST :]
        if body:
            code, fields = decode_frame(body)
            return channel, code, fields


def frame(channel: int, performative: Any, kind: bytes = b"\x00") -> bytes:
    """Give the bytes of a frame."""
    header, body = encode_frame(performative, kind)
    return header + struct.pack(">H", channel) + bytes(body or b"")


def answer(question: Message, status: tuple[str, int], value: Any = None) -> bytes:
    """Give the bytes of an answer to a request at a management node."""
    name, code = status
    asked: Any = question.properties
    properties = Properties(correlation_id=asked.message_id)
    words = name.replace("Code", "Description").replace("-code", "-description")
    told: dict[str | bytes, Any] = {name: code, words: "said by a stand-in"}
    return _encoded(Message(properties=properties, application_properties=told, value=value))


def delivered(payload: bytes, count: int, annotations: dict[str | bytes, Any]) -> bytes:
    """Put before a message what the broker knows of it; our senders give it no header and no annotations of their own."""
    return _encoded(Message(header=Header(delivery_count=count), message_annotations=annotations)) + payload


def read_message(payload: bytes) -> Message:
    """Read a message."""
    return decode_payload(memoryview(payload))


def _encoded(message: Message) -> bytes:
    output = bytearray()
    encode_payload(output, message)
    return bytes(output)
