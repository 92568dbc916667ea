"""Threads, the runs on them, and the runs' events."""

import datetime as dt
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, func, text
from sqlalchemy.orm import Mapped, mapped_column, synonym

from chassis.db.base import Base
from chassis.jobs.tables import AGENT_RUN, Job

ThreadStatus = Literal["idle", "busy", "interrupted", "error"]


class Thread(Base):
    """A conversation, with a projection of its graph state so that the API can answer without LangGraph.

    `checkpoint_id` names the state that is projected, which may be on its way into the state store still;
    `stored_checkpoint_id` is the last one that was in it, and without which, or a later one, the store has lost something.
    """

    __tablename__ = "thread"
    __table_args__ = (
        CheckConstraint("status IN ('idle', 'busy', 'interrupted', 'error')", name="status"),
        Index(None, "tenant_id", "owner_id", "created_at"),
    )

    thread_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(server_default="idle")
    thread_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    state_values: Mapped[dict[str, Any] | None] = mapped_column("values")
    next_nodes: Mapped[list[Any]] = mapped_column("next", server_default=text("'[]'"))
    tasks: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    interrupts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    checkpoint_id: Mapped[str | None]
    stored_checkpoint_id: Mapped[str | None]
    checkpoint_metadata: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    state_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


threads = cast("Table", Thread.__table__)


class Run(Job):
    """One execution of the agent on a thread. The columns are those of its kind; no task has them."""

    thread_id: Mapped[UUID] = mapped_column(ForeignKey(Thread.thread_id, ondelete="CASCADE"), nullable=True)
    assistant_id: Mapped[UUID] = mapped_column(nullable=True)
    run_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    multitask_strategy: Mapped[str] = mapped_column(nullable=True)
    run_id = synonym("job_id")

    __mapper_args__ = {"polymorphic_identity": AGENT_RUN}  # noqa: RUF012 - SQLAlchemy's


Index(None, Run.thread_id, Run.sequence)


class RunEvent(Base):
    """The log that streams are served from; `payload` is JSON text, written once and sent as it is."""

    __tablename__ = "run_event"

    run_id: Mapped[UUID] = mapped_column(ForeignKey(Job.job_id, ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str]
    payload: Mapped[str]


class RunStep(Base):
    """What an attempt at a run did and how long it took: a step of the graph, or a call of a model or a tool within one.

    Numbers and names, no content. Written with the end of the attempt, so one that was killed has none.
    """

    __tablename__ = "run_step"

    run_id: Mapped[UUID] = mapped_column(ForeignKey(Job.job_id, ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int | None]
    kind: Mapped[str]
    name: Mapped[str]
    began_at: Mapped[dt.datetime]
    seconds: Mapped[float | None]
    outcome: Mapped[str]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cost: Mapped[float | None]


class ToolReceipt(Base):
    """A consequential tool call: what was intended, and once it has taken effect, its result.

    A call with a result is answered from here, never repeated. One that was intended and has none is resolved as its tool
    says, since nobody here knows whether it took effect: its worker died, or the answer never came.

    result: of an intended call the number of its attempts so far, of a refused one why it was.
    """

    __tablename__ = "tool_receipt"
    __table_args__ = (CheckConstraint("state IN ('intended', 'done', 'refused')", name="state"),)

    thread_id: Mapped[UUID] = mapped_column(ForeignKey(Thread.thread_id, ondelete="CASCADE"), primary_key=True)
    tool_call_id: Mapped[str] = mapped_column(primary_key=True)
    tool: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="done")
    result: Mapped[dict[str, Any]]
