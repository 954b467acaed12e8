"""Visits of those who refuse measuring are counted without anybody's identity, where the shop wants it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "consent_uncollected",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", CText, nullable=False),
        sa.Column("name", CText, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "day", "source", "name", name=op.f("pk_consent_uncollected")),
    )
