"""with what cards for phones' wallets are signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rapport.storage.engine import CText

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forwards; there is no way back but a backup."""
    op.create_table(
        "loyalty_pass_keys",
        sa.Column("workspace", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wallet", CText, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "wallet"),
    )
