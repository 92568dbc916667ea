"""jobs, what takes long and keeps nobody waiting: constraints are validated and indexes built. Can be repeated.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "e83b5f7c1d60"
down_revision: str | None = "c1f6a0d94e27"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_run_due": "run (priority DESC, sequence) WHERE status = 'pending'",
    "ix_run_tenant_id_status_sequence": "run (tenant_id, status, sequence)",
}


def upgrade() -> None:
    """Apply the change."""
    with op.get_context().autocommit_block():
        for table, constraint in (("run", "ck_run_status"), ("tool_receipt", "ck_tool_receipt_state")):
            # Validating twice does no harm.
            op.execute(f"-- squawk-ignore prefer-robust-stmts\nALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
        for name, on in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # half built, by an attempt that was cut off
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on}")


def downgrade() -> None:
    """Take the change back."""
    for name in INDEXES:
        op.drop_index(name, table_name="run")
