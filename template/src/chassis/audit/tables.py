"""The audit log's tables.

Events are inserted unchained, in the transaction of the change they describe. One sealer, under a role of its own, then
chains what was committed; db/roles.py says who may do what to which of these.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from chassis.db.base import Base


class AuditEvent(Base):
    """Who did what to which thing. `owner_id` is who did it; `context` says as what and in which service."""

    __tablename__ = "audit_event"

    event_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    action: Mapped[str]
    resource: Mapped[str]
    outcome: Mapped[str] = mapped_column(server_default="success")
    details: Mapped[dict[str, Any]]
    context: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


# The tables below belong to the log as a whole, not to a tenant, so they are no models with a tenant and an owner.

unsealed = Table(
    "audit_unsealed",
    Base.metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    comment="Events that were committed and not sealed yet; written by a trigger on audit_event, emptied by the sealer.",
)

seals = Table(
    "audit_seal",
    Base.metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    UniqueConstraint("event_id"),
    comment="One row an event, in the order of sealing: its digest, and the hash of all digests so far.",
)

heads = Table(
    "audit_head",
    Base.metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("signed_at", DateTime(timezone=True), nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    comment="Signed statements of how far the chain had come at a certain time.",
)

shipments = Table(
    "audit_shipment",
    Base.metadata,
    Column("sink", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("shipped_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    comment="How far the sink has confirmed to have the log.",
)
