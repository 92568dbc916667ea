"""The audit table."""

from typing import Any

from sqlalchemy import Identity
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base


class AuditEvent(Base):
    """Who did what to which thing, written in the transaction of the change it describes.

    Rows are only ever inserted by this code. They are not yet chained or sealed, so this table alone does not prove
    that nobody edited it.
    """

    __tablename__ = "audit_event"

    event_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    action: Mapped[str]
    resource: Mapped[str]
    details: Mapped[dict[str, Any]]
