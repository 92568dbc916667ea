"""jobs: runs of the agent are one kind of them.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "c1f6a0d94e27"
down_revision: str | None = "5d0c0f2b6a41"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "status IN ('pending', 'running', 'success', 'error', 'timeout', 'interrupted')"
AFTER = "status IN ('pending', 'running', 'success', 'error', 'timeout', 'interrupted', 'cancelled', 'dead')"
KINDS_OWN = ("thread_id", "assistant_id", "multitask_strategy")
JSONB = postgresql.JSONB(astext_type=sa.Text())
NOW = sa.text("now()")


def upgrade() -> None:
    """Apply the change."""
    op.add_column("run", sa.Column("kind", sa.Text(), server_default="agent", nullable=False))
    op.add_column("run", sa.Column("priority", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("run", sa.Column("progress", JSONB, nullable=True))
    op.add_column("run", sa.Column("result", JSONB, nullable=True))
    op.add_column("run", sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False))
    op.add_column("run", sa.Column("time_limit_seconds", sa.Float(), nullable=True))
    for name in ("started_at", "ended_at", "cancel_requested_at"):
        op.add_column("run", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in KINDS_OWN:
        # No client breaks: those of the release before see runs of the agent, which have them all.
        op.execute(f"-- squawk-ignore ban-drop-not-null\nALTER TABLE run ALTER COLUMN {name} DROP NOT NULL")
    # What replaces it guarantees the same for all that the release before writes.
    op.execute("-- squawk-ignore ban-drop-constraint\nALTER TABLE run DROP CONSTRAINT ck_run_status")
    _constrain("run", "status", AFTER)
    op.add_column("tool_receipt", sa.Column("state", sa.Text(), server_default="done", nullable=False))
    _constrain("tool_receipt", "state", "state IN ('intended', 'done', 'refused')")


def downgrade() -> None:
    """Take the change back; jobs of other kinds go, and what the statuses before have no word for is an error."""
    op.drop_constraint(op.f("ck_tool_receipt_state"), "tool_receipt")
    op.execute("DELETE FROM tool_receipt WHERE state <> 'done'")
    op.drop_column("tool_receipt", "state")
    op.execute("DELETE FROM run WHERE kind <> 'agent'")
    op.execute("UPDATE run SET status = 'error' WHERE status IN ('cancelled', 'dead')")
    op.drop_constraint(op.f("ck_run_status"), "run")
    _constrain("run", "status", BEFORE)
    for name in KINDS_OWN:
        op.alter_column("run", name, nullable=False)
    for name in ("cancel_requested_at", "ended_at", "started_at", "time_limit_seconds", "due_at"):
        op.drop_column("run", name)
    for name in ("result", "progress", "priority", "kind"):
        op.drop_column("run", name)


def _constrain(table: str, name: str, condition: str) -> None:
    """Add a constraint that holds from now on, without reading the table under the lock; the next migration reads it."""
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
