"""What each campaign cost on each day."""

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
        "acquisition_costs",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign", CText, nullable=False),
        sa.Column("platform", CText, nullable=False),
        sa.Column("currency", CText, nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger()),
        sa.Column("impressions", sa.BigInteger()),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("fact", CText, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "day", "campaign", "platform"),
    )
