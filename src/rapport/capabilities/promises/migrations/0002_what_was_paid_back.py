"""What of orders was paid back, and so is to come no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "promises_paid_back",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("refund_id", _TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "fact"),
    )
    op.create_index("promises_paid_back_of_order", "promises_paid_back", ["workspace", "order_id"])
