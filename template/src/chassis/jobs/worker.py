"""The claim loop: claim what is due, execute it, sleep until woken or until the next look."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import structlog

from chassis.cancelling import cancel_until_ended
from chassis.container import Container
from chassis.jobs.attempt import Attempt, Execute
from chassis.jobs.desk import Desk
from chassis.jobs.keeper import Hold, LeaseKeeper
from chassis.jobs.lease import Lease, claim
from chassis.jobs.measured import measure_jobs, measure_messages
from chassis.jobs.schedule import Schedule
from chassis.jobs.sweep import count_from_nothing, sweep
from chassis.jobs.tables import AGENT_RUN
from chassis.jobs.timekeeper import keep_time
from chassis.jobs.transient import TRANSIENT
from chassis.telemetry.measuring import measuring
from chassis.telemetry.metrics import JOB_SLOTS, JOBS_RUNNING

log = structlog.get_logger()

LAST_WRITES_SECONDS = 5.0
"""How long what was cut off has to give its job back; after that the sweeper does."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What only workers have: what executes each kind of job, and which are due now and then."""

    kinds: Mapping[str, Execute]
    schedules: Mapping[str, Schedule] = field(default_factory=dict)


class Worker:
    """Executes up to `runs.concurrency` jobs at a time and sweeps after silent workers."""

    def __init__(self, container: Container, workshop: Workshop) -> None:
        """Work with the container's ports and what only workers have."""
        self._container = container
        self._kinds = workshop.kinds
        self._schedules = workshop.schedules
        self._settings = container.settings.runs
        self._desk = Desk(
            container.sessions, container.kinds, container.queue, container.live_events, self._settings.max_attempts
        )
        self._keeper = LeaseKeeper(container.sessions, self._settings.lease_seconds)
        self._active: dict[asyncio.Task[None], tuple[Hold, Attempt]] = {}
        self._wake = asyncio.Event()
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let steps under way end and give their jobs back."""
        keeping = asyncio.create_task(self._keeper.run(), name="leases")
        sweeping = asyncio.create_task(self._sweep_forever(), name="sweeper")
        timing = asyncio.create_task(
            keep_time(self._container.sessions, self._schedules, self._wake.set), name="schedules"
        )
        stopping = asyncio.create_task(self._wake_when(stop))
        try:
            # Not listened to any longer while it drains: what is given back is announced to those who go on.
            async with self._container.queue.listen(self._wake.set), self._measured():
                while not stop.is_set():
                    self._wake.clear()
                    if not await self._start_due():
                        with suppress(TimeoutError):
                            async with asyncio.timeout(self._settings.poll_seconds):
                                await self._wake.wait()
                for _, attempt in self._active.values():  # at once: a broker's client takes its time to say goodbye
                    attempt.drain()
        finally:
            await self._drain()
            await cancel_until_ended(keeping, sweeping, timing, stopping)

    @asynccontextmanager
    async def _measured(self) -> AsyncIterator[None]:
        sessions, queue = self._container.sessions, self._container.queue
        looks = (partial(measure_jobs, sessions), partial(measure_messages, queue))
        with (
            JOBS_RUNNING.reading(lambda: [(len(self._active), {})]),
            JOB_SLOTS.reading(lambda: [(self._settings.concurrency, {})]),
        ):
            async with measuring(self._container.settings.telemetry.measure_seconds, *looks):
                yield

    async def _start_due(self) -> bool:
        """Claim into the free slots; say whether it is worth looking again at once."""
        free = self._settings.concurrency - len(self._active)
        if free <= 0:
            return False
        asked_at = asyncio.get_running_loop().time()
        try:
            leases = await claim(
                self._container.sessions, self.worker_id, tuple(self._kinds), free, self._settings.lease_seconds
            )
        except TRANSIENT as error:
            log.warning("worker.claim_failed", error=type(error).__name__)
            return False
        for lease in leases:
            self._start(lease, asked_at)
        return len(leases) == free

    def _start(self, lease: Lease, asked_at: float) -> None:
        hold = self._keeper.hold(lease, asked_at)
        attempt = Attempt(self._desk, hold, self._kinds[lease.kind](hold))
        task = asyncio.create_task(attempt.run(), name=f"attempt:{lease.job_id}")
        self._active[task] = (hold, attempt)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        hold, _ = self._active.pop(task)
        self._keeper.drop(hold)
        self._wake.set()  # a slot is free, and the thread's next run may be due

    async def _wake_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _sweep_forever(self) -> None:
        count_from_nothing((AGENT_RUN, *self._container.agent.tasks))
        while True:
            try:
                await sweep(self._desk)
            except TRANSIENT as error:
                log.warning("worker.sweep_failed", error=type(error).__name__)
            except Exception:
                log.exception("worker.sweep_failed")  # whatever it was, the next sweep is due all the same
            await asyncio.sleep(min(self._settings.lease_seconds / 3, 5))

    async def _drain(self) -> None:
        """Wait for every job to stop at its next step's end; what does not within the grace is cut off, and given back, too."""
        if not self._active:
            return
        log.info("worker.draining", jobs=len(self._active))
        _, late = await asyncio.wait(set(self._active), timeout=self._settings.drain_seconds)
        for task in late:
            self._active[task][0].stop("drained")
        if late:
            await asyncio.wait(late, timeout=LAST_WRITES_SECONDS)
