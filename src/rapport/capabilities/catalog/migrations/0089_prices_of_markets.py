"""What products cost in markets that have feeds of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0089"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "catalog_market_prices", sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False), sa.Column("market", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False), sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False), sa.PrimaryKeyConstraint("workspace", "product_id", "market"),
    )  # fmt: skip
