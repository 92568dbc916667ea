"""Whether a thread waits for a person: the question stands until it is answered, or somebody drops it and says so."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Select, func, select

from chassis.jobs.tables import ACTIVE
from chassis.ports.errors import ConflictError
from chassis.runs.tables import Run


class QuestionPendingError(ConflictError):
    """The agent waits for an answer on this thread; give it with command.resume, or drop it with multitask_strategy=interrupt."""


def passes_over(payload: Mapping[str, Any], multitask_strategy: str) -> bool:
    """Say whether a run would go on without an answer: LangGraph then forgets the question, and what was to be approved."""
    return not payload.get("command") and multitask_strategy != "interrupt"


def last_status(thread_id: UUID | BindParameter[UUID]) -> Select[str]:
    """Ask how the thread's last run ended that went on with it: neither refused over a question, nor ended unbegun."""
    # Rows of earlier releases have JSON's null where there is no error, too, which is not NULL.
    reason = func.coalesce(Run.error["error"].astext, "")
    return (
        select(Run.status)
        .where(
            Run.thread_id == thread_id,
            Run.status.not_in(ACTIVE),
            Run.started_at.is_not(None),
            reason != QuestionPendingError.__name__,
        )
        .order_by(Run.sequence.desc())
        .limit(1)
    )
