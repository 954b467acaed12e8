"""what campaigns were expected to cost when they were put in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "loyalty_expectations",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme", CText, nullable=False),
        sa.Column("rule", CText, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("points", "minor", "low_minor", "high_minor")),
        sa.PrimaryKeyConstraint("workspace", "programme", "rule"),
    )
