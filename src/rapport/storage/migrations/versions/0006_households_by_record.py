"""households by record."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.execute("DELETE FROM households")  # found again when records are scored
    with op.batch_alter_table("households", schema=None) as batch_op:
        batch_op.alter_column("root", new_column_name="key")
