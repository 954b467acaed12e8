"""Refunds by order: what is left of an order is found without looking at every refund."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_index("refunds_order", "refunds", ["workspace", "order_id"], unique=False)
