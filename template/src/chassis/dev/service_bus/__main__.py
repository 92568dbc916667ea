"""`python -m chassis.dev.service_bus PORT CONTROL CERTIFICATE`: a namespace on loopback, until it is ended.

CERTIFICATE is a file with the server's key and certificates. On the port CONTROL it does what the person who started it asks for,
one command a line; see `commands.py`.
"""

import asyncio
import ssl
import sys

from chassis.dev.service_bus.commands import obey
from chassis.dev.service_bus.connection import Connection
from chassis.dev.service_bus.namespace import Namespace


async def main(port: int, control: int, certificate: str) -> None:
    """Serve for ever."""
    namespace = Namespace()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    async def amqp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(namespace, reader, writer).serve()

    async def commands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            writer.write(f"{obey(namespace, line)}\n".encode())
        writer.close()

    async with (
        await asyncio.start_server(commands, "127.0.0.1", control),
        await asyncio.start_server(amqp, "127.0.0.1", port, ssl=tls) as server,
    ):
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
