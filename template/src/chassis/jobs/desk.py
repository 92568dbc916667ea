"""What everybody who executes or sweeps jobs has before them."""

from dataclasses import dataclass

from chassis.db.engine import Sessions
from chassis.jobs.kinds import Kinds
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports that a job passes through; after `max_attempts` it is dead."""

    sessions: Sessions
    kinds: Kinds
    queue: RunQueue
    live_events: LiveEvents
    max_attempts: int
