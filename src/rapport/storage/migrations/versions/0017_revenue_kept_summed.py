"""Revenue is kept summed by day; the job sums what there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.add_column("orders", sa.Column("was_at", sa.BigInteger()))
    op.add_column("refunds", sa.Column("was_at", sa.BigInteger()))
    op.add_column("refunds", sa.Column("was_order", TEXT))
    op.create_table(
        "revenue_days",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.Column("cancelled_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunds_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "day", "currency"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revenue_marks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace", sa.Integer(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("revenue_marks_day", "revenue_marks", ["workspace", "day"], unique=False)
    op.create_table(
        "revenue_zones",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace"),
    )
