"""Whether the process can do its work. What it depends on is asked briefly, rarely, and once for everybody who wants to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis.management.looking import Check, Findings, Looker, State
from chassis.telemetry.metrics import DEPENDENCY_UP

BOUND_SECONDS = 0.9
"""How long one dependency may take, so that a probe has its answer within a second."""
FRESH_SECONDS = 1.0
"""How long an answer is given again: many probes, or a flood of them, are one look."""
DEEP_BOUND_SECONDS = 3.0
DEEP_FRESH_SECONDS = 10.0
"""A look into the depth costs a round trip to everything, and some backends take money for it."""


@dataclass(frozen=True, slots=True)
class Checks:
    """How each dependency is asked; without one that is `needed` the process cannot do its work, of the others it is only said."""

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


@dataclass(frozen=True, slots=True)
class Depth:
    """What was found at everything that the process depends on; names and figures, and no words of anybody else's."""

    ready: bool = False
    found: Findings = field(default_factory=dict)
    needed: frozenset[str] = frozenset()

    @property
    def status(self) -> State:
        """Say it in one word."""
        return "ok" if self.ready else "unavailable"

    def checks(self) -> dict[str, dict[str, Any]]:
        """Give each finding as it is shown: its state, whether the process needs it, and the time, in milliseconds."""
        return {
            name: {
                "status": found.state,
                "needed": name in self.needed,
                "milliseconds": None if found.seconds is None else round(found.seconds * 1000, 1),
                "age_seconds": None if found.age_seconds is None else round(found.age_seconds, 1),
            }
            for name, found in self.found.items()
        }


class Vitals:
    """The state of one process, from its start to its end."""

    def __init__(self) -> None:
        """Begin as not started, which is not ready."""
        self.started = False
        self._checks = self._deep_checks = Checks()
        self._looker = Looker(BOUND_SECONDS, FRESH_SECONDS)
        self._deep_looker = Looker(DEEP_BOUND_SECONDS, DEEP_FRESH_SECONDS)

    def begin(self, checks: Checks, deep: Checks | None = None) -> None:
        """Note that everything is open, and how that is asked: by probes, and by who wants to know it all."""
        self.started, self._checks, self._deep_checks = True, checks, deep or checks
        self._looker.forget()
        self._deep_looker.forget()

    async def readiness(self) -> Readiness:
        """Look, unless somebody is looking or has just looked."""
        if not self.started:
            return Readiness()
        checks = self._checks
        found = await self._looker.look({**checks.needed, **checks.told})
        states: dict[str, State] = {name: "ok" if one.state == "ok" else "unavailable" for name, one in found.items()}
        for name, state in states.items():
            DEPENDENCY_UP.set(int(state == "ok"), {"dependency": name})
        return Readiness(all(states[name] == "ok" for name in checks.needed), states)

    async def depth(self) -> Depth:
        """Look at everything, unless somebody is looking or has just looked."""
        if not self.started:
            return Depth()
        checks = self._deep_checks
        found = await self._deep_looker.look({**checks.needed, **checks.told})
        ready = all(found[name].state == "ok" for name in checks.needed)
        return Depth(ready, found, frozenset(checks.needed))
