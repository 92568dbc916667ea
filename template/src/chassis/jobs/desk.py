"""What everybody who executes or sweeps jobs has before them."""

from dataclasses import dataclass

from chassis.db.engine import Sessions
from chassis.jobs.kinds import Kinds
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports that a job passes through.

    max_attempts: after so many a job is dead.
    idempotency_seconds: how long an Idempotency-Key is remembered.
    """

    sessions: Sessions
    kinds: Kinds
    queue: RunQueue
    live_events: LiveEvents
    max_attempts: int
    idempotency_seconds: float = 86_400
