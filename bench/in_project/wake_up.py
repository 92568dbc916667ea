"""What the chosen queue costs: how soon an accepted job is begun, how many a second, and how soon after `kill -9` of its worker.

Runs in a generated project: worker processes of the sample agent, and this process, which accepts.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from chassis.container import Container
from chassis.dev.environment import development_environment
from chassis.jobs.accept import enqueue
from chassis.jobs.outbox import announce
from chassis.jobs.tables import Job
from chassis.ports.identity import Principal
from chassis.settings_loader import load_settings
from chassis.wiring import open_container
from tests.support.isolation import isolated_environment
from tests.support.sample_agent import SAMPLE
from tests.support.worker_process import worker_process

ONE_BY_ONE = 200
MANY = 500
AT_ONCE = 20
KILLS = 5
LEASE_SECONDS = 5
ADA = Principal("bench", "ada", ("admin",))


async def accept(container: Container, task: str, payload: dict[str, Any]) -> UUID:
    """Accept one job as a request does."""
    async with container.sessions.begin() as session:
        job = await enqueue(session, ADA, task, payload)
    await announce(container.queue, job.job_id)
    return job.job_id


async def one(container: Container, job_id: UUID) -> Job:
    """Read it."""
    async with container.sessions() as session:
        return await session.get_one(Job, job_id)


async def when(container: Container, job_id: UUID, status: str) -> Job:
    """Wait until it is there."""
    async with asyncio.timeout(60):
        while (job := await one(container, job_id)).status != status:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    return job


async def latency(container: Container) -> list[float]:
    """Give the milliseconds from acceptance to start, of jobs that come one by one."""
    found = []
    for _ in range(ONE_BY_ONE):
        job = await when(container, await accept(container, "count", {"steps": 0}), "success")
        assert job.started_at is not None
        found.append((job.started_at - job.created_at).total_seconds() * 1000)
    return found


async def throughput(container: Container) -> float:
    """Give jobs/s of many that do nothing."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def slotted() -> None:
        async with slots:
            await accept(container, "count", {"steps": 0})

    ended = select(func.count()).select_from(Job).where(Job.status == "success", Job.kind == "count")
    async with container.sessions() as session:
        before = (await session.execute(ended)).scalar_one()
    started = time.perf_counter()
    await asyncio.gather(*(slotted() for _ in range(MANY)))
    async with asyncio.timeout(120):
        while True:
            async with container.sessions() as session:
                if (await session.execute(ended)).scalar_one() == before + MANY:
                    return MANY / (time.perf_counter() - started)
            await asyncio.sleep(0.02)


async def messages(container: Container) -> float:
    """Give messages/s of the queue alone: published, and heard by a listener of this process."""
    heard = 0
    done = asyncio.Event()

    def hear() -> None:
        nonlocal heard
        heard += 1
        if heard >= MANY:
            done.set()

    slots = asyncio.Semaphore(AT_ONCE)

    async def slotted() -> None:
        async with slots:
            await container.queue.publish(uuid4())

    async with container.queue.listen(hear):
        while not heard:
            await container.queue.publish(uuid4())
            await asyncio.sleep(0.2)
        heard = 0
        started = time.perf_counter()
        await asyncio.gather(*(slotted() for _ in range(MANY)))
        async with asyncio.timeout(60):
            await done.wait()
        return MANY / (time.perf_counter() - started)


def client_alone(queue: Any) -> float | None:
    """Give messages/s of kombu itself: one thread that publishes one after the other, another that consumes; None without a broker."""
    app = getattr(queue, "_app", None)
    if app is None:
        return None
    bound = app.amqp.queues[app.conf.task_default_queue]
    heard = 0

    def hear(message: Any) -> None:
        nonlocal heard
        message.ack()
        heard += 1

    def consume() -> None:
        with app.connection_for_read() as connection, connection.Consumer([bound], on_message=hear, prefetch_count=16):
            ready.set()
            while heard < MANY:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=1)

    ready = threading.Event()
    consumer = threading.Thread(target=consume)
    consumer.start()
    ready.wait(10)
    started = time.perf_counter()
    with app.connection_for_write() as connection, connection.Producer() as producer:
        for _ in range(MANY):
            producer.publish({}, routing_key=bound.name, declare=[] if bound.no_declare else [bound])
    consumer.join(60)
    return MANY / (time.perf_counter() - started)


async def after_kill(container: Container, environment: Mapping[str, str], log: Path) -> float:
    """Give the seconds from the death of a worker until another executes its job."""
    with ExitStack() as stack:
        workers = {
            worker.pid: worker for worker in (stack.enter_context(worker_process(environment, log)) for _ in "12")
        }
        job_id = await accept(container, "sleepy", {})
        job = await when(container, job_id, "running")
        victim = next(pid for pid in workers if f"-{pid}-" in str(job.worker_id))
        killed = time.perf_counter()
        workers[victim].kill()
        async with asyncio.timeout(60):
            while (await one(container, job_id)).fence < job.fence + 1:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        return time.perf_counter() - killed


async def measure(environment: Mapping[str, str], folder: Path) -> dict[str, float]:
    """Measure all of it."""
    with ExitStack() as stack:
        async with open_container(load_settings(environment), agent=SAMPLE) as container:
            alone = await messages(container)
            client = await asyncio.to_thread(client_alone, container.queue)
            stack.enter_context(worker_process(environment, folder / "log"))
            await when(container, await accept(container, "count", {"steps": 0}), "success")
            soon = await latency(container)
            rate = await throughput(container)
            stack.close()
            kills = [await after_kill(container, environment, folder / "log") for _ in range(KILLS)]
        queue = type(container.settings.queue).__module__.rpartition(".")[2].removesuffix("_settings")
    cuts = statistics.quantiles(soon, n=100)
    raw = {} if client is None else {f"queue {queue}: messages/s of kombu's client alone": round(client)}
    return raw | {
        f"queue {queue}: acceptance to start, p50 ms": round(cuts[49], 1),
        f"queue {queue}: acceptance to start, p99 ms": round(cuts[98], 1),
        f"queue {queue}: no-op jobs/s": round(rate),
        f"queue {queue}: messages/s of the queue alone": round(alone),
        f"queue {queue}: seconds from kill -9 to another worker, median (lease {LEASE_SECONDS} s)": round(
            statistics.median(kills), 1
        ),
    }


def main() -> None:
    """Start what is needed, measure, print."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        given = {
            **os.environ,
            "CHASSIS__RUNS__LEASE_SECONDS": str(LEASE_SECONDS),
            "CHASSIS__RUNS__CONCURRENCY": str(AT_ONCE),
            "CHASSIS__DATABASE__POOL_SIZE": str(AT_ONCE),
            "CHASSIS__SERVICE__LOG_LEVEL": "error",
        }
        with development_environment(Path(directory), given, "test") as services:
            own = asyncio.run(isolated_environment(services, "bench"))
            os.environ.update(own)  # the clouds' SDKs read there who this process is
            figures = asyncio.run(measure({**own, "PYTHONPATH": os.pathsep.join([".", "src"])}, Path(directory)))
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
