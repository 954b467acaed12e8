"""What was bought, by each report and correction of an order; the facts are told again."""

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
    op.drop_table("fit_bought")
    op.create_table(
        "fit_bought",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("order_id", _TEXT, nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("variant", _TEXT, nullable=False),
        sa.Column("strand", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "order_id", "fact", "product_id", "variant"),
    )
    op.create_index("fit_bought_of_strand", "fit_bought", ["workspace", "strand"])
    op.create_index("fit_bought_of_product", "fit_bought", ["workspace", "product_id", "at"])
    op.create_index("fit_bought_at", "fit_bought", ["workspace", "at"])
