"""The claim loop: claim what is due, execute it, sleep until woken or until the next look."""

import asyncio
import os
import socket
from contextlib import suppress
from uuid import uuid4

import structlog
from langgraph.runtime import RunControl

from chassis.container import Container
from chassis.runs.execute import Executor
from chassis.runs.lease import Lease, claim
from chassis.runs.sweep import sweep
from chassis.runs.transient import TRANSIENT

log = structlog.get_logger()


class Worker:
    """Executes up to `runs.concurrency` runs at a time and sweeps after silent workers."""

    def __init__(self, container: Container, executor: Executor) -> None:
        """Work with the container's ports."""
        self._container = container
        self._executor = executor
        self._settings = container.settings.runs
        self._active: dict[asyncio.Task[None], RunControl] = {}
        self._wake = asyncio.Event()
        self.worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let running steps end and give their runs back."""
        async with self._container.queue.listen(self._wake.set):
            sweeper = asyncio.create_task(self._sweep_forever(), name="sweeper")
            stopping = asyncio.create_task(self._wake_when(stop))
            try:
                while not stop.is_set():
                    self._wake.clear()
                    if not await self._start_due():
                        with suppress(TimeoutError):
                            await asyncio.wait_for(self._wake.wait(), self._settings.poll_seconds)
            finally:
                for task in (sweeper, stopping):
                    task.cancel()
                await self._drain()

    async def _start_due(self) -> bool:
        """Claim into the free slots; say whether it is worth looking again at once."""
        free = self._settings.concurrency - len(self._active)
        if free <= 0:
            return False
        try:
            leases = await claim(self._container.sessions, self.worker_id, free, self._settings.lease_seconds)
        except TRANSIENT as error:
            log.warning("worker.claim_failed", error=type(error).__name__)
            return False
        for lease in leases:
            self._start(lease)
        return len(leases) == free

    def _start(self, lease: Lease) -> None:
        control = RunControl()
        task = asyncio.create_task(self._executor.execute(lease, control))
        self._active[task] = control
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._active[task]
        self._wake.set()  # a slot is free, and the thread's next run may be due

    async def _wake_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _sweep_forever(self) -> None:
        container, settings = self._container, self._settings
        while True:
            try:
                await sweep(container.sessions, container.queue, container.live_events, settings.max_attempts)
            except TRANSIENT as error:
                log.warning("worker.sweep_failed", error=type(error).__name__)
            except Exception:
                log.exception("worker.sweep_failed")  # whatever it was, the next sweep is due all the same
            await asyncio.sleep(min(settings.lease_seconds / 3, 5))

    async def _drain(self) -> None:
        """Ask every run to stop at its next step's end; what does not within the grace is left to the sweeper."""
        for control in self._active.values():
            control.request_drain()
        if self._active:
            log.info("worker.draining", runs=len(self._active))
            _, late = await asyncio.wait(set(self._active), timeout=self._settings.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
