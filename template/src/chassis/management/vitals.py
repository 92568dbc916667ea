"""Whether the process can do its work. What it depends on is asked briefly, rarely, and once for everybody who wants to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from chassis.ports.errors import ChassisError
from chassis.telemetry.metrics import DEPENDENCY_UP

BOUND_SECONDS = 0.9
"""How long one dependency may take, so that a probe has its answer within a second."""
FRESH_SECONDS = 1.0
"""How long an answer is given again: many probes, or a flood of them, are one look."""

State = Literal["ok", "unavailable"]
Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Checks:
    """How each dependency is asked; without one that is `needed` the process is not ready, of the others it is only said."""

    needed: Mapping[str, Check] = field(default_factory=dict)
    told: Mapping[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the process can do its work, and how each dependency answered."""

    ready: bool = False
    checks: Mapping[str, State] = field(default_factory=dict)

    @property
    def status(self) -> State:
        """Say it in one word."""
        return "ok" if self.ready else "unavailable"


class Vitals:
    """The state of one process, from its start to its end."""

    def __init__(self) -> None:
        """Begin as not started, which is not ready."""
        self.started = False
        self._checks = Checks()
        self._looking: asyncio.Task[Readiness] | None = None
        self._looked_at = 0.0
        self._late: dict[str, asyncio.Future[object]] = {}

    def begin(self, checks: Checks) -> None:
        """Note that everything is open."""
        self.started, self._checks, self._looking = True, checks, None

    async def readiness(self) -> Readiness:
        """Look, unless somebody is looking or has just looked."""
        if not self.started:
            return Readiness()
        now = asyncio.get_running_loop().time()
        if self._looking is None or (self._looking.done() and now - self._looked_at >= FRESH_SECONDS):
            self._looking = asyncio.create_task(self._look(self._checks), name="readiness")
        return await asyncio.shield(self._looking)  # a probe that hangs up ends nobody else's

    async def _look(self, checks: Checks) -> Readiness:
        everything = {**checks.needed, **checks.told}
        states = dict(
            zip(everything, await asyncio.gather(*(self._ask(*item) for item in everything.items())), strict=True)
        )
        for name, state in states.items():
            DEPENDENCY_UP.set(int(state == "ok"), {"dependency": name})
        self._looked_at = asyncio.get_running_loop().time()
        return Readiness(all(states[name] == "ok" for name in checks.needed), states)

    async def _ask(self, name: str, check: Check) -> State:
        """Ask once. One that does not answer is not waited for, also not for its end: a client may take seconds to give up."""
        late = self._late.get(name)
        if late is not None and not late.done():
            return "unavailable"
        asked = asyncio.ensure_future(check())
        self._late[name] = asked
        await asyncio.wait({asked}, timeout=BOUND_SECONDS)
        if not asked.done():
            asked.cancel()
            asked.add_done_callback(_retrieve)
            return "unavailable"
        try:
            asked.result()
        except (SQLAlchemyError, OSError, ChassisError):
            return "unavailable"
        return "ok"


def _retrieve(asked: "asyncio.Future[object]") -> None:
    if not asked.cancelled():
        asked.exception()  # said already: it did not answer in time
