"""All refunds of one id are found by one index, whatever the planner knows of the table."""

from __future__ import annotations

from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.drop_index("refunds_alone", "refunds")
    op.create_index("refunds_same", "refunds", ["workspace", "refund_id"])
