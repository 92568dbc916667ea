"""jobs, listed by tenant: an index, built without keeping anybody waiting. Can be repeated.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "b92e50c7d8a1"
down_revision: str | None = "a4d17c60b9f3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ix_run_tenant_id_sequence"


def upgrade() -> None:
    """Apply the change."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # half built, by an attempt that was cut off
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON run (tenant_id, sequence)")


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(NAME, table_name="run")
