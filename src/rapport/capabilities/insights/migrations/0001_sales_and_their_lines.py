"""What each report of an order says beside its money, and its lines."""

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
        "sales",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", _TEXT, nullable=False),
        sa.Column("device", _TEXT, nullable=False),
        sa.Column("margin_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "fact"),
    )
    op.create_index("sales_strand", "sales", ["workspace", "strand"], unique=False)
    op.create_table(
        "sale_lines",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace", "fact", "line"),
    )
    op.create_index("sale_lines_product", "sale_lines", ["workspace", "product_id"], unique=False)
