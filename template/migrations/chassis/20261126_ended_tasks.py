"""tasks that have ended, by when: an index, built without keeping anybody waiting. Can be repeated.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "e1f4a9073c2d"
down_revision: str | None = "c58d2e70b1a6"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ix_run_ended_tasks"
TASKS = "kind <> 'agent' AND status IN ('success', 'cancelled')"


def upgrade() -> None:
    """Apply the change."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # half built, by an attempt that was cut off
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON run (ended_at) WHERE {TASKS}")


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(NAME, table_name="run")
