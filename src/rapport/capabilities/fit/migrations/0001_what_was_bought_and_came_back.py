"""What was bought line by line, and what of it came back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "fit_bought",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id", "product_id", "variant"),
    )
    op.create_index("fit_bought_of_strand", "fit_bought", ["workspace", "strand"])
    op.create_index("fit_bought_of_product", "fit_bought", ["workspace", "product_id", "at"])
    op.create_index("fit_bought_at", "fit_bought", ["workspace", "at"])
    op.create_table(
        "fit_came_back",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("refund_id", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("says", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id", "product_id", "variant", "refund_id"),
    )
    op.create_index("fit_came_back_of_product", "fit_came_back", ["workspace", "product_id"])
