"""One attempt at a job: executed until it ends, fails, is drained, is cancelled, runs out of time, or loses its lease."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cancelling import cancel_until_ended
from chassis.jobs.desk import Desk
from chassis.jobs.finish import finish
from chassis.jobs.keeper import Hold
from chassis.jobs.lease import fenced
from chassis.jobs.outbox import announce
from chassis.jobs.reasons import CANCELLED, TIMED_OUT, exhausted
from chassis.jobs.release import release, retry_later
from chassis.jobs.tables import JobStatus
from chassis.jobs.transient import is_transient
from chassis.ports.errors import ChassisError
from chassis.ports.fence import LeaseLostError, current_fence
from chassis.telemetry.metrics import JOB_DURATION, JOB_WAIT, JOBS_DEAD, kind_label
from chassis.telemetry.spans import attempting, ended_as

log = structlog.get_logger()


class DrainedError(ChassisError):
    """The execution stopped at the end of a step, since its worker stops; it goes on elsewhere."""


class RetryLaterError(ChassisError):
    """What the job needs is out of order at the moment; it is tried again after a pause, up to runs.max_attempts times."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended by itself: finished, or waiting for a person (`interrupted`)."""

    status: JobStatus = "success"
    result: dict[str, Any] | None = None


class Execution(Protocol):
    """What a kind of job does in one attempt."""

    async def run(self) -> Ending:
        """Do it; may be cancelled at any await. Raise `DrainedError` at a step's end once `drain` was called."""
        ...

    def drain(self) -> None:
        """Ask to stop at the end of the step under way."""
        ...

    async def settle(self) -> None:
        """Wait until nothing of it is under way any more; called when `run` has ended or was cancelled."""
        ...

    async def write_last(self, session: AsyncSession) -> None:
        """Write what is left, in the transaction that ends the attempt."""
        ...

    def describe(self, error: Exception) -> dict[str, Any]:
        """Say of a failure what the caller may know, as `error` and `message`."""
        ...


Execute = Callable[[Hold], Execution]


class Attempt:
    """Sees to it that an execution's outcome is written once, by whoever holds the lease."""

    def __init__(self, desk: Desk, hold: Hold, execution: Execution) -> None:
        """Take a lease that is kept, and what it executes."""
        self._desk = desk
        self._hold = hold
        self._lease = hold.lease
        self._execution = execution
        self._outcome = "left"  # to the sweeper, unless something else is written

    def drain(self) -> None:
        """Ask to stop at the end of the step under way."""
        self._execution.drain()

    async def run(self) -> None:
        """Execute and write the outcome. What cannot be written is left to the sweeper."""
        structlog.contextvars.bind_contextvars(job_id=str(self._lease.job_id), attempt=self._lease.attempt)
        current_fence.set(self._lease.proof)
        kind = {"kind": kind_label(self._lease.kind)}
        JOB_WAIT.record(max(self._lease.waited_seconds, 0), kind)
        began = time.monotonic()
        with attempting(self._lease) as span:
            await self._run()
            ended_as(span, self._outcome)
        JOB_DURATION.record(time.monotonic() - began, {**kind, "outcome": self._outcome})

    async def _run(self) -> None:
        try:
            await self._settle(await self._executed())
        except LeaseLostError:
            self._outcome = "lost"
            log.warning("job.lease_lost", fence=self._lease.fence)
        except Exception as error:
            if is_transient(error):
                log.warning("job.left_to_the_sweeper", error=type(error).__name__)
            else:
                log.exception("job.left_to_the_sweeper")

    async def _executed(self) -> asyncio.Task[Ending]:
        work = asyncio.create_task(self._execution.run(), name=f"job:{self._lease.job_id}")
        stopped = asyncio.create_task(self._hold.stopped.wait())
        try:
            await asyncio.wait({work, stopped}, timeout=self._lease.seconds_left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_until_ended(work, stopped)
            await self._execution.settle()
        return work

    async def _settle(self, work: asyncio.Task[Ending]) -> None:
        if not work.cancelled():
            await self._settle_ended(work)
        elif self._hold.reason == "lost":
            raise LeaseLostError
        elif self._hold.reason == "drained":
            await self._give_back()
        elif self._hold.reason == "cancelled":
            await self._end("cancelled", error=CANCELLED)
        else:
            await self._end("timeout", error=TIMED_OUT)

    async def _settle_ended(self, work: asyncio.Task[Ending]) -> None:
        error = work.exception()
        if error is None:
            ending = work.result()
            await self._end(ending.status, result=ending.result)
        elif isinstance(error, DrainedError):
            await self._give_back()
        elif isinstance(error, LeaseLostError) or not isinstance(error, Exception):
            raise error
        elif isinstance(error, RetryLaterError) or is_transient(error):
            await self._retry(error)
        else:
            log.error("job.failed", exc_info=error)
            await self._end("error", error=self._execution.describe(error))

    async def _retry(self, error: Exception) -> None:
        known = self._execution.describe(error)
        if self._lease.attempt >= self._desk.max_attempts:
            await self._end("dead", error=exhausted(self._lease.attempt, known))
            return
        async with fenced(self._desk.sessions, self._lease, exclusive=True) as session:
            await self._execution.write_last(session)
            pause = await retry_later(session, self._lease, known)
        self._outcome = "retried"
        log.warning("job.retried_later", error=type(error).__name__, pause_seconds=round(pause, 1))

    async def _give_back(self) -> None:
        async with fenced(self._desk.sessions, self._lease, exclusive=True) as session:
            await self._execution.write_last(session)
            await release(session, self._lease)
        self._outcome = "drained"
        log.info("job.drained")
        await announce(self._desk.queue, self._lease.job_id)

    async def _end(
        self, status: JobStatus, *, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None
    ) -> None:
        async with fenced(self._desk.sessions, self._lease, exclusive=True) as session:
            await self._execution.write_last(session)
            await finish(session, self._desk.kinds, self._lease.job_id, status, result=result, error=error)
        self._outcome = status
        if status == "dead":
            JOBS_DEAD.add(1, {"kind": kind_label(self._lease.kind)})
        log.info("job.ended", status=status)
        await self._desk.live_events.notify(self._lease.job_id)
