"""What is met how often at which moment: store, part of the day, weather, device; by week."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0095"
down_revision = "0094"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "product_moments",
        sa.Column("workspace", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("moment", _TEXT, nullable=False),
        sa.Column("week", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("product_id", _TEXT, nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "moment", "week", "product_id"),
        sqlite_with_rowid=False,
    )
