"""Whether a thread waits for a person: the question stands until it is answered, or somebody drops it and says so."""

from uuid import UUID

from sqlalchemy import BindParameter, Select, or_, select

from chassis.jobs.tables import ACTIVE
from chassis.ports.errors import ConflictError
from chassis.runs.tables import Run


class QuestionPendingError(ConflictError):
    """The agent waits for an answer on this thread; give it with command.resume, or drop it with multitask_strategy=interrupt."""


def passes_over(run: Run) -> bool:
    """Say whether a run would go on without an answer: LangGraph then forgets the question, and what was to be approved."""
    return not run.payload.get("command") and run.multitask_strategy != "interrupt"


def last_status(thread_id: UUID | BindParameter[UUID]) -> Select[str]:
    """Ask how the thread's last run ended that went on with it: neither refused over a question, nor ended unbegun."""
    refused = Run.error["error"].astext == QuestionPendingError.__name__
    return (
        select(Run.status)
        .where(
            Run.thread_id == thread_id,
            Run.status.not_in(ACTIVE),
            Run.started_at.is_not(None),
            or_(Run.error.is_(None), ~refused),
        )
        .order_by(Run.sequence.desc())
        .limit(1)
    )
