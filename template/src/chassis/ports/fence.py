"""Who may write for a job: the proof of its claim, and how it reaches stores that live outside the job's transaction."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from chassis.ports.errors import ChassisError


class LeaseLostError(ChassisError):
    """Another worker took this job over, or it was ended; this worker stops writing."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The claim of a job.

    number: counts the claims of this job for ever; a write is accepted only while the job's row still has it.
    sequence: the job's place among all jobs. Jobs of one thread are executed in this order, so `(sequence, number)` grows with
        every claim that may write to the thread, which is what a store that cannot see the row compares.
    """

    job_id: UUID
    sequence: int
    number: int


current_fence: ContextVar[Fence | None] = ContextVar("current_fence", default=None)
"""Set by the worker around the execution of a job; tasks that the execution starts inherit it."""
