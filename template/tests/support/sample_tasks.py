"""Background tasks for the chassis' own tests, told by their payload what to do."""

import asyncio
import os
from typing import Any

from chassis.api import ChassisError, RetryLaterError, TaskContext, enqueue
from chassis.audit.record import record

STEP = "sample.step"


async def count(task: TaskContext) -> dict[str, Any]:
    """Take so many steps, each with one effect."""
    done = (task.progress or {"done": 0})["done"]
    for number in range(done, task.payload["steps"]):
        async with task.step({"done": number + 1}) as session:
            record(session, task.principal, STEP, f"step/{number}", job=str(task.job_id))
        await asyncio.sleep(task.payload.get("delay", 0))
    return {"steps": task.payload["steps"]}


async def poison(_task: TaskContext) -> None:
    """Kill the worker, as a library that crashes would."""
    os._exit(13)


async def sleepy(task: TaskContext) -> None:
    """Never end by itself."""
    async with task.step({"begun": True}):
        pass
    await asyncio.Event().wait()


class FlakyError(RetryLaterError):
    """What the sample needs is out of order."""


async def flaky(task: TaskContext) -> dict[str, Any]:
    """Fail until it has been tried so many times."""
    tried = (task.progress or {"tried": 0})["tried"] + 1
    async with task.step({"tried": tried}):
        pass
    if tried <= task.payload["times"]:
        raise FlakyError
    return {"tried": tried}


class BrokenError(ChassisError):
    """The sample was told to break."""


async def broken(task: TaskContext) -> dict[str, Any]:
    """Break the first time, and go on from there when it is redriven."""
    if task.progress is None:
        async with task.step({"broken": True}):
            pass
        raise BrokenError
    return {"mended": True}


async def enqueuing(task: TaskContext) -> dict[str, Any]:
    """Have another task done."""
    async with task.step({"enqueued": True}) as session:
        job = await enqueue(session, task.principal, "count", {"steps": 1})
    return {"job_id": str(job.job_id)}
