"""What is done to the service, drawn at random from a seed."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from tests.chaos.fleet import Fleet
from tests.support.relay import Relay

Act = Callable[[], Awaitable[None]]


class Monkey:
    """Does one thing after the other, and counts."""

    def __init__(self, fleet: Fleet, relays: dict[str, Relay], lease_seconds: float, seed: int) -> None:
        """Take what can be broken."""
        self._fleet = fleet
        self._relays = relays
        self._lease_seconds = lease_seconds
        self._random = random.Random(seed)  # noqa: S311 - a reproducible draw
        self.done: Counter[str] = Counter()

    @property
    def acts(self) -> dict[str, Act]:
        """Everything that can be done, by the name that the table shows."""
        acts: dict[str, Act] = {
            "kill -9 of a worker": self.kill_worker,
            "worker frozen past its lease, then woken": self.freeze_worker,
            "all workers replaced, one by one (SIGTERM)": self.replace_workers,
            "kill -9 of the API, and a new one": self.kill_api,
        }
        for name, relay in self._relays.items():
            acts[f"{name}: no connection for a while"] = partial(self.outage, relay)
            acts[f"{name}: every connection cut"] = partial(self.cut, relay)
        return acts

    async def work(self, seconds: float, tell: Callable[[str], None]) -> None:
        """Do everything once, in a random order, and then whatever comes, for so many seconds."""
        deadline = asyncio.get_running_loop().time() + seconds
        first = self._random.sample(list(self.acts), len(self.acts))
        while asyncio.get_running_loop().time() < deadline or first:
            name = first.pop() if first else self._random.choice(list(self.acts))
            tell(name)
            await self.acts[name]()
            self.done[name] += 1
            await asyncio.sleep(self._random.uniform(0.2, 1.5))

    async def kill_worker(self) -> None:
        """End a worker in the middle of whatever it does."""
        await asyncio.to_thread(self._fleet.kill, self._random.choice(self._fleet.workers))

    async def freeze_worker(self) -> None:
        """Have a worker lose its leases without noticing, and go on."""
        worker = self._random.choice(self._fleet.workers)
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(1.5 * self._lease_seconds)
        worker.send_signal(signal.SIGCONT)

    async def replace_workers(self) -> None:
        """Deploy."""
        await asyncio.to_thread(self._fleet.restart_all)

    async def kill_api(self) -> None:
        """End the API in the middle of whatever it answers."""
        self._fleet.kill_api()
        self._fleet.start_api()

    async def outage(self, relay: Relay) -> None:
        """Let nobody through for up to two leases."""
        with relay.closed():
            await asyncio.sleep(self._random.uniform(0.5, 2 * self._lease_seconds))

    async def cut(self, relay: Relay) -> None:
        """Cut every connection once."""
        with relay.closed():
            pass
