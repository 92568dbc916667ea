"""Threads, runs, their events, the outbox and the tools' receipts."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base

ThreadStatus = Literal["idle", "busy", "interrupted", "error"]
RunStatus = Literal["pending", "running", "success", "error", "timeout", "interrupted"]
ACTIVE: tuple[RunStatus, ...] = ("pending", "running")


class Thread(Base):
    """A conversation, with a projection of its graph state so that the API can answer without LangGraph."""

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
    checkpoint_metadata: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    state_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Run(Base):
    """One execution of the agent on a thread.

    `fence` counts the claims of a run for ever: what a worker writes is accepted only while the fence it claimed is
    still the row's, so a worker that lost its lease can write nothing more. `attempt` counts towards giving up.
    """

    __tablename__ = "run"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'running', 'success', 'error', 'timeout', 'interrupted')", name="status"
        ),
        Index(None, "thread_id", "sequence"),
        Index("ix_run_active", "sequence", postgresql_where=text("status IN ('pending', 'running')")),
    )

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(Identity(always=True))
    thread_id: Mapped[UUID] = mapped_column(ForeignKey(Thread.thread_id, ondelete="CASCADE"))
    assistant_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(server_default="pending")
    kwargs: Mapped[dict[str, Any]]
    run_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    multitask_strategy: Mapped[str]
    caller: Mapped[dict[str, Any]]
    attempt: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(server_default="0")
    worker_id: Mapped[str | None]
    lease_expires_at: Mapped[dt.datetime | None]
    error: Mapped[dict[str, Any] | None]
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class RunEvent(Base):
    """The log that streams are served from; `payload` is JSON text, written once and sent as it is."""

    __tablename__ = "run_event"

    run_id: Mapped[UUID] = mapped_column(ForeignKey(Run.run_id, ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str]
    payload: Mapped[str]


class OutboxEntry(Base):
    """A run that the queue has to be told about, with the caller and the trace it belongs to."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_unpublished", "created_at", postgresql_where=text("published_at IS NULL")),)

    outbox_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey(Run.run_id, ondelete="CASCADE"), index=True)
    caller: Mapped[dict[str, Any]]
    trace_context: Mapped[dict[str, Any]]
    published_at: Mapped[dt.datetime | None]


class ToolReceipt(Base):
    """A consequential tool call that took effect, with its result: the same call is answered from here, never repeated."""

    __tablename__ = "tool_receipt"

    thread_id: Mapped[UUID] = mapped_column(ForeignKey(Thread.thread_id, ondelete="CASCADE"), primary_key=True)
    tool_call_id: Mapped[str] = mapped_column(primary_key=True)
    tool: Mapped[str]
    result: Mapped[dict[str, Any]]
