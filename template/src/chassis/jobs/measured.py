"""What waits, as figures."""

from chassis.db.engine import Sessions, single_statement
from chassis.jobs.depth import depth
from chassis.ports.run_queue import RunQueue
from chassis.telemetry.metrics import QUEUE_AGE, QUEUE_JOBS, QUEUE_MESSAGES


async def measure_jobs(sessions: Sessions) -> None:
    """Count the jobs in the database."""
    async with single_statement(sessions) as session:
        found = await depth(session)
    for state in ("queued", "delayed", "running"):
        QUEUE_JOBS.set(getattr(found, state), {"state": state})
    QUEUE_AGE.set(found.oldest_seconds)


async def measure_messages(queue: RunQueue) -> None:
    """Count the messages at the broker, where there is one."""
    messages = await queue.depth()
    if messages is not None:
        QUEUE_MESSAGES.set(messages)
