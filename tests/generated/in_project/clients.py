"""Clients that ask for run after run, at whatever address each line of the input names; "end" ends them.

Executed in a generated project, in the environment of its deployment. Prints what became of all that was accepted as JSON.
"""

import asyncio
import dataclasses
import json
import sys

from chassis.db.engine import make_sessions, open_engine
from chassis.settings_loader import load_settings
from chassis.wiring import open_adapter_context
from tests.chaos.load import Load, outcome_of, until_idle

CLIENTS = 4
REST_SECONDS = 120


async def main() -> None:
    settings = load_settings()
    load = Load("")
    clients: list[asyncio.Task[None]] = []
    async with (
        open_adapter_context(settings) as context,
        open_engine(context.database, settings.database, "clients") as engine,
    ):
        sessions = make_sessions(engine, "clients", "test")
        while (line := (await asyncio.to_thread(sys.stdin.readline)).strip()) != "end":
            load.url = line
            clients = clients or [asyncio.create_task(load.client(0.1)) for _ in range(CLIENTS)]
            await load.more(8)
            print(len(load.accepted), flush=True)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await until_idle(sessions, REST_SECONDS)
        outcome = dataclasses.asdict(await outcome_of(sessions, load.accepted))
        print(json.dumps({**outcome, "accepted": len(load.accepted), "refused": dict(load.refused)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
