"""Records events until there are enough, and says of each when it was committed: `python -m tests.support.audit_writer`."""

import asyncio
import sys

from tests.support.audit import WRITER

from chassis.audit.record import record
from chassis.settings_loader import load_settings
from chassis.wiring import open_container


async def write(writer: str, first: int, last: int) -> None:
    async with open_container(load_settings()) as container:
        for number in range(first, last + 1):
            async with container.sessions.begin() as session:
                record(session, WRITER, "thing.counted", f"thing/{writer}-{number}")
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
