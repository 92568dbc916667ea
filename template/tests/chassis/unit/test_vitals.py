"""Readiness: bounded, remembered for a second, and asked once for many."""

import asyncio
import time

import pytest

from chassis.management import vitals as module
from chassis.management.looking import Found
from chassis.management.vitals import Checks, Depth, Readiness, Vitals
from chassis.ports.errors import UnavailableError


class Dependency:
    def __init__(self, error: Exception | None = None, takes: float = 0) -> None:
        self.error, self.takes, self.asked, self.under_way = error, takes, 0, 0

    async def check(self) -> None:
        self.asked += 1
        self.under_way += 1
        try:
            await asyncio.sleep(self.takes)
        except asyncio.CancelledError:
            await asyncio.sleep(0.3)  # a client that takes its time to give up
            raise
        finally:
            self.under_way -= 1
        if self.error:
            raise self.error


def begun(**needed: Dependency) -> Vitals:
    vitals = Vitals()
    vitals.begin(Checks(needed={name: one.check for name, one in needed.items()}))
    return vitals


async def test_what_has_not_started_is_not_ready() -> None:
    assert await Vitals().readiness() == Readiness(ready=False, checks={})


async def test_what_is_only_told_costs_no_readiness() -> None:
    vitals = Vitals()
    vitals.begin(Checks({"database": Dependency().check}, {"queue": Dependency(UnavailableError("gone")).check}))
    assert await vitals.readiness() == Readiness(ready=True, checks={"database": "ok", "queue": "unavailable"})


@pytest.mark.parametrize("error", [UnavailableError("gone"), ConnectionRefusedError(), TimeoutError()])
async def test_without_what_is_needed_it_is_not_ready(error: Exception) -> None:
    readiness = await begun(database=Dependency(error)).readiness()
    assert (readiness.ready, readiness.status) == (False, "unavailable")


async def test_a_hundred_probes_are_one_look_and_the_next_second_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", 2.0)
    database = Dependency(takes=0.05)
    vitals = begun(database=database)
    await asyncio.gather(*(vitals.readiness() for _ in range(100)))
    await vitals.readiness()
    assert database.asked == 1
    await asyncio.sleep(2.1)
    await vitals.readiness()
    assert database.asked == 2


async def test_one_that_hangs_is_answered_for_within_a_second_and_not_asked_again_meanwhile() -> None:
    assert module.BOUND_SECONDS < 1
    hanging = Dependency(takes=60)
    vitals = begun(database=hanging)
    started = time.monotonic()
    assert not (await vitals.readiness()).ready
    assert time.monotonic() - started < 20, "a busy machine is slow, but the dependency takes a minute"
    vitals.begin(Checks(needed={"database": hanging.check}))  # as after FRESH_SECONDS
    assert not (await vitals.readiness()).ready
    assert hanging.asked == 1
    await asyncio.sleep(0.4)
    assert hanging.under_way == 0


async def test_a_look_into_the_depth_names_what_is_missing_and_how_long_each_took() -> None:
    vitals = Vitals()
    needed = {"database": Dependency(UnavailableError("gone")).check, "state_store": Dependency(takes=0.05).check}
    vitals.begin(Checks(), Checks(needed, {"queue": Dependency(RuntimeError("unforeseen")).check}))
    depth = await vitals.depth()
    assert (depth.ready, depth.status) == (False, "unavailable")
    shown = depth.checks()
    assert {name: (one["status"], one["needed"]) for name, one in shown.items()} == {
        "database": ("unavailable", True),
        "state_store": ("ok", True),
        "queue": ("unavailable", False),
    }
    assert shown["state_store"]["milliseconds"] >= 50
    assert "gone" not in str(shown)
    assert "unforeseen" not in str(shown)


async def test_one_that_hangs_keeps_no_look_into_the_depth_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEEP_BOUND_SECONDS", 0.2)
    hanging, well = Dependency(takes=60), Dependency()
    vitals = Vitals()
    vitals.begin(Checks(), Checks({"database": well.check}, {"secret_backend": hanging.check}))
    async with asyncio.timeout(20):
        depth = await vitals.depth()
        shown = depth.checks()
        assert (depth.status, shown["database"]["status"], shown["secret_backend"]["status"]) == (
            "ok",
            "ok",
            "unavailable",
        )
        assert shown["secret_backend"]["milliseconds"] >= 200
        await asyncio.sleep(0.4)
    assert hanging.under_way == 0


async def test_a_flood_is_one_look_into_the_depth() -> None:
    database = Dependency(takes=0.05)
    vitals = Vitals()
    vitals.begin(Checks(), Checks({"database": database.check}))
    await asyncio.gather(*(vitals.depth() for _ in range(100)))
    assert (await vitals.depth()).ready
    assert database.asked == 1


async def test_what_has_not_started_has_no_depth_and_what_nobody_knows_is_said() -> None:
    async def nobody_knows() -> Found:
        return Found("unknown", age_seconds=1000)

    vitals = Vitals()
    assert (await vitals.depth()) == Depth()
    vitals.begin(Checks(), Checks(told={"model": nobody_knows}))
    depth = await vitals.depth()
    assert depth.ready
    assert depth.checks()["model"] == {"status": "unknown", "needed": False, "milliseconds": None, "age_seconds": 1000}


async def test_a_probe_that_hangs_up_ends_nobody_elses() -> None:
    vitals = begun(database=Dependency(takes=0.1))
    first, second = (asyncio.create_task(vitals.readiness()) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    assert (await second).ready
