"""Which alarms stand, and whether anybody was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "standing_alarms",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", CText, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("to_do", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("gone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("workspace", "name"),
    )
