"""Of each product the figures by which showing it is worth something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "goals_figures",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product_id", CText, nullable=False),
        sa.Column("price_minor", sa.BigInteger()),
        sa.Column("cost_minor", sa.BigInteger()),
        sa.Column("currency", sa.Text()),
        sa.Column("buying", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer()),
        sa.PrimaryKeyConstraint("workspace", "product_id"),
    )
