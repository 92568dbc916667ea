"""Jobs, and the outbox that tells the queue about them."""

import datetime as dt
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Table, case, func, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base

JobStatus = Literal["pending", "running", "success", "error", "timeout", "interrupted", "cancelled", "dead"]
ACTIVE: tuple[JobStatus, ...] = ("pending", "running")
REDRIVABLE: tuple[JobStatus, ...] = ("error", "timeout", "cancelled", "dead")
AGENT_RUN = "agent"
"""The kind of the agent's runs; every other kind is the name of a task."""


class Job(Base):
    """Something a worker does, that is finished whatever dies in between.

    The table is called after the first kind there was. `fence` counts the claims of a job for ever: what a worker writes is
    accepted only while the fence it claimed is still the row's, so a worker that lost its lease can write nothing more.
    `attempt` counts towards giving up; a redrive begins again at 0.

    status: pending and running are active. Of the others `interrupted` waits for a person, `dead` was given up after too
        many attempts, and `error` failed in a way that trying again would not mend.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'running', 'success', 'error', 'timeout', 'interrupted', 'cancelled', 'dead')",
            name="status",
        ),
        Index("ix_run_due", text("priority DESC"), "sequence", postgresql_where=text("status = 'pending'")),
        Index("ix_run_active", "sequence", postgresql_where=text("status IN ('pending', 'running')")),
        Index(None, "tenant_id", "status", "sequence"),
        Index(None, "tenant_id", "sequence"),
        Index(
            "ix_run_ended_tasks",
            "ended_at",
            postgresql_where=text("kind <> 'agent' AND status IN ('success', 'cancelled')"),
        ),
    )

    job_id: Mapped[UUID] = mapped_column("run_id", primary_key=True)
    sequence: Mapped[int] = mapped_column(Identity(always=True))
    kind: Mapped[str] = mapped_column(server_default=AGENT_RUN)
    status: Mapped[str] = mapped_column(server_default="pending")
    priority: Mapped[int] = mapped_column(server_default="0")
    payload: Mapped[dict[str, Any]] = mapped_column("kwargs")
    progress: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    caller: Mapped[dict[str, Any]]
    attempt: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(server_default="0")
    worker_id: Mapped[str | None]
    lease_expires_at: Mapped[dt.datetime | None]
    due_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    time_limit_seconds: Mapped[float | None]
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    cancel_requested_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy's
        # Any name of a task is a kind, so SQLAlchemy is told of two only.
        "polymorphic_on": case((kind == AGENT_RUN, AGENT_RUN), else_="task"),
        "polymorphic_identity": "task",
        "with_polymorphic": "*",  # one table, and nothing is loaded later behind an await's back
    }


class OutboxEntry(Base):
    """A job that the queue has to be told about, with the caller and the trace it belongs to."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_unpublished", "created_at", postgresql_where=text("published_at IS NULL")),)

    outbox_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[UUID] = mapped_column("run_id", ForeignKey(Job.job_id, ondelete="CASCADE"), index=True)
    caller: Mapped[dict[str, Any]]
    trace_context: Mapped[dict[str, Any]]
    published_at: Mapped[dt.datetime | None]


jobs = cast("Table", Job.__table__)
outbox = cast("Table", OutboxEntry.__table__)
