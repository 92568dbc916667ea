"""Finds the runs whose worker went silent: they become pending again, or failed after too many attempts."""

import structlog
from sqlalchemy import func, select

from chassis.db import json
from chassis.db.engine import Sessions
from chassis.ports.errors import UnavailableError
from chassis.ports.identity import Principal
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue
from chassis.runs.events import END, Event, append, next_sequence
from chassis.runs.finish import finish
from chassis.runs.outbox import publish_stale
from chassis.runs.tables import Run

log = structlog.get_logger()

BATCH = 100


async def sweep(sessions: Sessions, queue: RunQueue, live_events: LiveEvents, max_attempts: int) -> int:
    """Take over what has expired and announce what was not announced; return how many runs were swept."""
    swept: list[Run] = []
    async with sessions.begin() as session:
        expired = await session.scalars(
            select(Run)
            .where(Run.status == "running", Run.lease_expires_at < func.now())
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        for run in expired:
            swept.append(run)
            if run.attempt < max_attempts:
                run.status, run.worker_id, run.lease_expires_at = "pending", None, None
                continue
            caller = Principal.from_json(run.caller)
            error = {
                "error": "AttemptsExhausted",
                "message": f"Given up after {run.attempt} attempts whose workers all went silent.",
            }
            sequence = await next_sequence(session, run.run_id)
            last = [Event(sequence, "error", json.dumps(error)), Event(sequence + 1, END, "null")]
            await append(session, run.run_id, caller, last)
            await session.flush()
            await finish(
                session, run_id=run.run_id, thread_id=run.thread_id, caller=caller, status="error", error=error
            )
    for run in swept:
        log.warning("run.swept", run_id=str(run.run_id), attempt=run.attempt, status=run.status)
        try:
            await queue.publish(run.run_id)
            await live_events.notify(run.run_id)
        except UnavailableError:
            break  # polling finds them
    await publish_stale(sessions, queue)
    return len(swept)
