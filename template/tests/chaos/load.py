"""Clients that have runs executed, and what became of them."""

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import func, select, text
from tests.support.sample_graph import EFFECT

from chassis.audit.tables import AuditEvent
from chassis.db.engine import Sessions
from chassis.jobs.tables import ACTIVE
from chassis.runs.tables import Run

ROUNDS = 5
STEP_SECONDS = 0.1
HEADERS = {"Authorization": "Bearer dev:chaos:ada:admin"}
BODY: dict[str, Any] = {
    "assistant_id": "agent",
    "input": {"rounds": ROUNDS, "delay": STEP_SECONDS},
    "stream_mode": "custom",
}


@dataclass
class Load:
    """What was accepted, and what was not: only what was answered 200 has been promised."""

    url: str
    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    """How long the longest acceptance took, in seconds."""
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def more(self, runs: int, seconds: float = 30) -> None:
        """Wait until at least so many more requests were answered."""
        async with asyncio.timeout(seconds):
            for _ in range(runs):
                self._answered.clear()
                await self._answered.wait()

    async def client(self, pause: float) -> None:
        """Ask for run after run."""
        while True:
            async with httpx.AsyncClient(base_url=self.url, headers=HEADERS, timeout=10) as client:
                began = time.monotonic()
                try:
                    answer = await client.post("/runs", json=BODY)
                except httpx.HTTPError as error:
                    self.refused[type(error).__name__] += 1
                else:
                    if answer.status_code == httpx.codes.OK:
                        self.accepted.append(answer.json()["run_id"])
                    else:
                        self.refused[str(answer.status_code)] += 1
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self._answered.set()
            await asyncio.sleep(pause)


@dataclass(frozen=True)
class Outcome:
    """What became of the accepted runs. `resumes` is how long each stood still before another worker went on, in seconds."""

    finished: int
    lost: list[str]
    repeated: list[str]
    missing: list[str]
    resumes: list[float]


def in_words(resumes: list[float]) -> str:
    """Say how long runs stood still."""
    if not resumes:
        return "no run had to be resumed"
    cuts = statistics.quantiles([*resumes, resumes[-1]], n=20)
    return f"{len(resumes)} resumes, p50 {cuts[9]:.1f} s, p95 {cuts[18]:.1f} s, longest {max(resumes):.1f} s"


async def stood_still(sessions: Sessions) -> list[float]:
    """Give how long runs stood still before another worker went on with them, in seconds."""
    async with sessions() as session:
        return sorted(float(seconds) for seconds in await session.scalars(text(STOOD_STILL)))


async def until_idle(sessions: Sessions, seconds: float) -> None:
    """Wait until nothing is active any more, or for so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                async with sessions() as session:
                    if not await session.scalar(select(func.count()).where(Run.status.in_(ACTIVE))):
                        return
                await asyncio.sleep(0.5)
    except TimeoutError:
        pass  # what is active still is counted as lost


async def outcome_of(sessions: Sessions, accepted: list[str]) -> Outcome:
    """Look at the rows: each accepted run must have succeeded, with each of its effects once."""
    async with sessions() as session:
        runs = {str(run.job_id): run for run in await session.scalars(select(Run))}
        effects = Counter(
            (thread, resource)
            for thread, resource in await session.execute(
                select(AuditEvent.details["thread"].astext, AuditEvent.resource).where(AuditEvent.action == EFFECT)
            )
        )
    lost = [run_id for run_id in accepted if run_id not in runs or runs[run_id].status != "success"]
    threads = {str(runs[run_id].thread_id) for run_id in accepted if run_id in runs and run_id not in lost}
    wanted = {(thread, f"round/{number}") for thread in threads for number in range(ROUNDS)}
    return Outcome(
        finished=len(accepted) - len(lost),
        lost=lost,
        repeated=[f"{thread} {resource}" for (thread, resource), count in effects.items() if count > 1],
        missing=[f"{thread} {resource}" for thread, resource in wanted - effects.keys()],
        resumes=await stood_still(sessions),
    )


STOOD_STILL = """
SELECT extract(epoch FROM created_at - before) FROM (
    SELECT event, payload, created_at, lag(created_at) OVER (PARTITION BY run_id ORDER BY sequence) AS before
    FROM run_event
) AS entry WHERE event = 'metadata' AND before IS NOT NULL
"""
