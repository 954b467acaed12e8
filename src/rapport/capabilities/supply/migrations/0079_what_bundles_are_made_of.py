"""What bundles are made of: their stock is what their parts allow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "supply_bundles",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bundle", _TEXT, nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "bundle"),
    )
