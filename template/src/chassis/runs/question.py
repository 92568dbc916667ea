"""Whether a thread waits for a person: the question stands until it is answered, or somebody drops it and says so."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from chassis.jobs.tables import ACTIVE
from chassis.ports.errors import ConflictError
from chassis.runs.tables import Run


class QuestionPendingError(ConflictError):
    """The agent waits for an answer on this thread; give it with command.resume, or drop it with multitask_strategy=interrupt."""


def passes_over(payload: Mapping[str, Any], multitask_strategy: str) -> bool:
    """Say whether a run would go on without an answer: LangGraph then forgets the question, and what was to be approved."""
    return not payload.get("command") and multitask_strategy != "interrupt"


WENT_ON = and_(
    Run.status.not_in(ACTIVE),
    Run.started_at.is_not(None),
    # An error that was taken back, and some of earlier releases, is JSON's null, which is not NULL.
    func.coalesce(Run.error["error"].astext, "") != QuestionPendingError.__name__,
)
"""Whether a run went on with its thread, and has ended: it was neither refused over a question, nor ended unbegun."""


def went_on(run: Run, error: Mapping[str, Any] | None) -> bool:
    """Say the same of a run that is ending, with its error."""
    return run.started_at is not None and (error or {}).get("error") != QuestionPendingError.__name__


def last_status(thread_id: UUID) -> Select[str]:
    """Ask how the thread's last run ended that went on with it."""
    return select(Run.status).where(Run.thread_id == thread_id, WENT_ON).order_by(Run.sequence.desc()).limit(1)
