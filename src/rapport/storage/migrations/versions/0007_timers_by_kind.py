"""timers by kind."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    with op.batch_alter_table("timers", schema=None) as batch_op:
        batch_op.create_index("timers_due_of_kind", ["kind", "due_at", "bucket"], unique=False)
        batch_op.drop_index("timers_due")
