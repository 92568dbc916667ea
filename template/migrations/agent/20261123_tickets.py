"""tickets.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c675505b883c"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = ("agent",)
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "ticket",
        sa.Column("ticket_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now() + interval '7 days'"), nullable=False
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "category IN ('hardware', 'software', 'network', 'access', 'facilities')", name=op.f("ck_ticket_category")
        ),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name=op.f("ck_ticket_priority")),
        sa.CheckConstraint("status IN ('open', 'in_progress', 'waiting', 'resolved')", name=op.f("ck_ticket_status")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket")),
    )
    op.create_index(op.f("ix_ticket_tenant_id_number"), "ticket", ["tenant_id", "number"], unique=True)
    op.create_index(
        op.f("ix_ticket_tenant_id_opened_at_ticket_id"), "ticket", ["tenant_id", "opened_at", "ticket_id"], unique=False
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(op.f("ix_ticket_tenant_id_opened_at_ticket_id"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_tenant_id_number"), table_name="ticket")
    op.drop_table("ticket")
