"""Asking what a process depends on: everything at once, each for a bounded time, and once for everybody who wants to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog
from sqlalchemy.exc import SQLAlchemyError

from chassis.ports.errors import ChassisError

log = structlog.get_logger()

State = Literal["ok", "unavailable"]
DeepState = Literal["ok", "unavailable", "unknown"]


@dataclass(frozen=True, slots=True)
class Found:
    """How a dependency is.

    state: `unknown` where nobody could tell, or nobody has looked lately.
    seconds: how long it took to answer, or how long it was waited for; None where it was not asked.
    age_seconds: how long ago that was, where somebody else has looked before.
    """

    state: DeepState
    seconds: float | None = None
    age_seconds: float | None = None


Check = Callable[[], Awaitable[object]]
"""Returns when the dependency has answered, and raises when it does not; a `Found` that it returns is what is found."""
Findings = Mapping[str, Found]


class Looker:
    """Looks at what it is told to look at, unless it is looking or has just looked."""

    def __init__(self, bound_seconds: float, fresh_seconds: float) -> None:
        """Wait for one dependency no longer than the bound, and give an answer again while it is fresh."""
        self._bound = bound_seconds
        self._fresh = fresh_seconds
        self._looking: asyncio.Task[Findings] | None = None
        self._looked_at = 0.0
        self._late: dict[str, asyncio.Future[object]] = {}

    def forget(self) -> None:
        """Look again when somebody asks next."""
        self._looking = None

    async def look(self, checks: Mapping[str, Check]) -> Findings:
        """Give what is found, by the names of the checks."""
        now = asyncio.get_running_loop().time()
        if self._looking is None or (self._looking.done() and now - self._looked_at >= self._fresh):
            self._looking = asyncio.create_task(self._look(checks), name="looking")
        return await asyncio.shield(self._looking)  # a probe that hangs up ends nobody else's

    async def _look(self, checks: Mapping[str, Check]) -> Findings:
        found = await asyncio.gather(*(self._ask(*item) for item in checks.items()))
        self._looked_at = asyncio.get_running_loop().time()
        return dict(zip(checks, found, strict=True))

    async def _ask(self, name: str, check: Check) -> Found:
        """Ask once. One that does not answer is not waited for, also not for its end: a client may take seconds to give up."""
        late = self._late.get(name)
        if late is not None and not late.done():
            return Found("unavailable")
        began = asyncio.get_running_loop().time()
        asked = asyncio.ensure_future(check())
        self._late[name] = asked
        await asyncio.wait({asked}, timeout=self._bound)
        seconds = asyncio.get_running_loop().time() - began
        if not asked.done():
            asked.cancel()
            asked.add_done_callback(_retrieve)
            return Found("unavailable", seconds)
        try:
            answer = asked.result()
        except (SQLAlchemyError, OSError, ChassisError):
            return Found("unavailable", seconds)
        except Exception:
            log.exception("health.check_failed", dependency=name)  # the others are told of all the same
            return Found("unavailable", seconds)
        return answer if isinstance(answer, Found) else Found("ok", seconds)


def _retrieve(asked: "asyncio.Future[object]") -> None:
    if not asked.cancelled():
        asked.exception()  # said already: it did not answer in time
