"""the last checkpoint of a thread that is known to be stored.

Deploy: pre (runs before the new release starts); write "post" for what must wait until no old release runs.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "7d3e91a2c4f8"
down_revision: str | None = "b92e50c7d8a1"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("thread", sa.Column("stored_checkpoint_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("thread", "stored_checkpoint_id")
