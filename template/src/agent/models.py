"""The tables of the service desk. After a change: `make migration M="what changes"`."""

import datetime as dt
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.api import Base

Status = Literal["open", "in_progress", "waiting", "resolved"]
Priority = Literal["low", "normal", "high", "urgent"]
Category = Literal["hardware", "software", "network", "access", "facilities"]

UNRESOLVED = ("open", "in_progress", "waiting")


class Ticket(Base):
    """Something a person asked the service desk for."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'in_progress', 'waiting', 'resolved')", name="status"),
        CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="priority"),
        CheckConstraint("category IN ('hardware', 'software', 'network', 'access', 'facilities')", name="category"),
        Index(None, "tenant_id", "opened_at", "ticket_id"),
        Index(None, "tenant_id", "number", unique=True),
    )

    ticket_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    number: Mapped[int] = mapped_column(Identity(start=1001))
    subject: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(server_default="open")
    priority: Mapped[str] = mapped_column(server_default="normal")
    category: Mapped[str]
    requester: Mapped[str]
    assignee: Mapped[str | None]
    opened_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[dt.datetime] = mapped_column(server_default=text("now() + interval '7 days'"))
    resolved_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(server_default="1")

    @property
    def reference(self) -> str:
        """How people name a ticket."""
        return f"TCK-{self.number}"
