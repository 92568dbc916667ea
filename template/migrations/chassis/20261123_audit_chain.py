"""audit chain.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "5d0c0f2b6a41"
down_revision: str | None = "80a37752a652"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As the function's owner, so that whoever inserts an event needs no right to the list of the unsealed.
ON_INSERT = """
CREATE FUNCTION audit_event_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_unsealed (event_id) VALUES (NEW.event_id);
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER audit_event_inserted AFTER INSERT ON audit_event
FOR EACH ROW EXECUTE FUNCTION audit_event_inserted()
"""


def upgrade() -> None:
    """Apply the change."""
    op.add_column("audit_event", sa.Column("outcome", sa.Text(), server_default="success", nullable=False))
    op.add_column(
        "audit_event",
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_table(
        "audit_unsealed",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_unsealed")),
        comment="Events that were committed and not sealed yet; written by a trigger on audit_event, emptied by the sealer.",
    )
    op.create_table(
        "audit_seal",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seal_event_id")),
        comment="One row an event, in the order of sealing: its digest, and the hash of all digests so far.",
    )
    op.create_table(
        "audit_head",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_head")),
        comment="Signed statements of how far the chain had come at a certain time.",
    )
    op.create_table(
        "audit_shipment",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sink", name=op.f("pk_audit_shipment")),
        comment="How far the sink has confirmed to have the log.",
    )
    op.execute(ON_INSERT)
    op.execute(TRIGGER)  # locks out writers until the commit, so that no event is missed between this and the next line
    op.execute("INSERT INTO audit_unsealed (event_id) SELECT event_id FROM audit_event ON CONFLICT DO NOTHING")


def downgrade() -> None:
    """Take the change back."""
    op.execute("DROP TRIGGER audit_event_inserted ON audit_event")
    op.execute("DROP FUNCTION audit_event_inserted()")
    op.drop_table("audit_shipment")
    op.drop_table("audit_head")
    op.drop_table("audit_seal")
    op.drop_table("audit_unsealed")
    op.drop_column("audit_event", "context")
    op.drop_column("audit_event", "outcome")
